/** What a proxy answers when the next hop does not: RFC 9209, RFC 9110 15.6.3, 15.6.5. */
import { serializeString } from "../../../codecs/http/structured.ts";
import { ExchangeError } from "../client-connection.ts";

export interface ProxyFault {
  readonly statusCode: number;
  /** An error type of RFC 9209 2.3. */
  readonly error: string;
  readonly details: string;
}

export function faultOf(why: Error): ProxyFault {
  const details = why.message;
  if (!(why instanceof ExchangeError)) {
    return { statusCode: 500, error: "proxy_internal_error", details };
  }
  switch (why.fault) {
    case "connect":
      return { ...connectFault(why), details };
    case "tls": {
      const certificate = /CERT|SIGNED|UNABLE_TO|DEPTH_ZERO|ALTNAME/.test(why.code ?? "");
      return {
        statusCode: 502,
        error: certificate ? "tls_certificate_error" : "tls_protocol_error",
        details,
      };
    }
    case "closed":
      return { statusCode: 502, error: "connection_terminated", details };
    case "timeout":
      return { statusCode: 504, error: "http_response_timeout", details };
    case "malformed":
      return { statusCode: 502, error: "http_protocol_error", details };
    case "redirect":
    case "local":
      return { statusCode: 502, error: "proxy_internal_error", details };
  }
}

function connectFault({ code }: ExchangeError): { statusCode: number; error: string } {
  switch (code) {
    case undefined:
      return { statusCode: 502, error: "dns_error" };
    case "ETIMEDOUT":
      return { statusCode: 504, error: "connection_timeout" };
    case "ECONNREFUSED":
      return { statusCode: 502, error: "connection_refused" };
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return { statusCode: 502, error: "destination_ip_unroutable" };
    default:
      return { statusCode: 502, error: "connection_terminated" };
  }
}

export function proxyStatus(name: string, { error, details }: ProxyFault): string {
  const text = serializeString(details);
  return `${name}; error=${error}${text === undefined ? "" : `; details=${text}`}`;
}
