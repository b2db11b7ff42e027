/** Native string conversions of Node's Buffer that its type package leaves out. */
interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  utf8Slice(start?: number, end?: number): string;
  base64Slice(start?: number, end?: number): string;
  hexSlice(start?: number, end?: number): string;
  base64Write(text: string, at?: number, length?: number): number;
  latin1Write(text: string, at?: number, length?: number): number;
  utf8Write(text: string, at?: number, length?: number): number;
}
