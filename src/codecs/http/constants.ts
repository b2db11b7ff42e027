/** Names, limits and character classes of HTTP/1.x. RFC 9110 5.6, 9, 15; RFC 9112 2 to 7. */

/** Octets of one head (start line and fields) or of one trailer section. RFC 9112 5.4 asks for a limit of one's own. */
export const MAX_HEAD_BYTES = 65_536;
/** Field lines of one section. Node answers 431 beyond 2000, Apache beyond 100. */
export const MAX_FIELDS = 1000;
/** Octets of one chunk-size line with its extensions. RFC 9112 7.1.1 asks for a limit. */
export const MAX_CHUNK_LINE_BYTES = 4096;
/** Octets of the chunk extensions of one message together. RFC 9112 7.1.1. */
export const MAX_EXTENSION_BYTES = 16_384;
/** Chunks of which `decode` keeps the layout: a chunk costs at least 6 octets of input. */
export const MAX_CHUNKS = 1 << 20;
/** Largest content length: integers stay exact. */
export const MAX_CONTENT_LENGTH = Number.MAX_SAFE_INTEGER;
/** Hexadecimal digits of a chunk size, leading zeros included. */
export const MAX_CHUNK_SIZE_DIGITS = 16;

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;

/** tchar (RFC 9110 5.6.2): 1 for octets of a token. */
export const TOKEN = new Uint8Array(256);
for (const c of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  TOKEN[c.charCodeAt(0)] = 1;
}

/** 1 for octets of a field value or reason phrase: HTAB, SP, VCHAR and obs-text (RFC 9110 5.5). */
export const TEXT = new Uint8Array(256).fill(1, 0x20);
TEXT[HTAB] = 1;
TEXT[0x7f] = 0;

/**
 * 1 for octets that a request target may hold: VCHAR. RFC 3986 leaves out some of them
 * (`"<>\^{|}` and the backquote), which user agents send all the same and nobody misreads.
 */
export const TARGET = new Uint8Array(256).fill(1, 0x21, 0x7f);

/** Values of hexadecimal digits; 255 for all else. */
export const HEX_VALUE = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX_VALUE["0123456789abcdef".charCodeAt(i)] = i;
  HEX_VALUE["0123456789ABCDEF".charCodeAt(i)] = i;
}

/** Transfer codings that RFC 9112 7 names, with their aliases. */
export const TRANSFER_CODINGS: ReadonlySet<string> = new Set([
  "chunked",
  "compress",
  "x-compress",
  "deflate",
  "gzip",
  "x-gzip",
]);

/** Methods of the IANA registry (RFC 9110 16.1.1) and a few widely used ones. */
export const METHODS: ReadonlySet<string> = new Set([
  "ACL",
  "BASELINE-CONTROL",
  "BIND",
  "CHECKIN",
  "CHECKOUT",
  "CONNECT",
  "COPY",
  "DELETE",
  "GET",
  "HEAD",
  "LABEL",
  "LINK",
  "LOCK",
  "MERGE",
  "MKACTIVITY",
  "MKCALENDAR",
  "MKCOL",
  "MKREDIRECTREF",
  "MKWORKSPACE",
  "MOVE",
  "M-SEARCH",
  "NOTIFY",
  "OPTIONS",
  "ORDERPATCH",
  "PATCH",
  "POST",
  "PRI",
  "PROPFIND",
  "PROPPATCH",
  "PURGE",
  "PUT",
  "QUERY",
  "REBIND",
  "REPORT",
  "SEARCH",
  "SUBSCRIBE",
  "TRACE",
  "UNBIND",
  "UNCHECKOUT",
  "UNLINK",
  "UNLOCK",
  "UNSUBSCRIBE",
  "UPDATE",
  "UPDATEREDIRECTREF",
  "VERSION-CONTROL",
  "SOURCE",
  "RPC_IN_DATA",
  "RPC_OUT_DATA",
  "BITS_POST",
  "CCM_POST",
]);

/** Reason phrases of RFC 9110 15 and the IANA status code registry. */
export const REASON_PHRASES: Readonly<Record<number, string>> = {
  100: "Continue",
  101: "Switching Protocols",
  102: "Processing",
  103: "Early Hints",
  200: "OK",
  201: "Created",
  202: "Accepted",
  203: "Non-Authoritative Information",
  204: "No Content",
  205: "Reset Content",
  206: "Partial Content",
  207: "Multi-Status",
  208: "Already Reported",
  226: "IM Used",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Found",
  303: "See Other",
  304: "Not Modified",
  305: "Use Proxy",
  307: "Temporary Redirect",
  308: "Permanent Redirect",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  411: "Length Required",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  417: "Expectation Failed",
  421: "Misdirected Request",
  422: "Unprocessable Content",
  423: "Locked",
  424: "Failed Dependency",
  425: "Too Early",
  426: "Upgrade Required",
  428: "Precondition Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
  506: "Variant Also Negotiates",
  507: "Insufficient Storage",
  508: "Loop Detected",
  511: "Network Authentication Required",
};
