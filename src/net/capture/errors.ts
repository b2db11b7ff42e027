/** What can be wrong with a capture as a file: told in one line, exit code 3. */
export class CaptureError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = "CaptureError";
    this.code = code;
  }
}

/** One line for an error of the file system. */
export function fileError(path: string, error: unknown): CaptureError {
  const code = (error as NodeJS.ErrnoException).code ?? "EUNKNOWN";
  const reason: Record<string, string> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    EPERM: "permission denied",
    EISDIR: "is a directory; a capture file is expected",
    ELOOP: "too many symbolic links",
  };
  return new CaptureError(code, `${path}: ${reason[code] ?? `cannot be read (${code})`}`);
}
