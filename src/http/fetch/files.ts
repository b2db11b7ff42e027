/** Files that flags name, read whole. */
import { readFileOrInput } from "../../standard-input.ts";

/** `-` is stdin. @throws CommandError */
export function fileBytes(path: string): Uint8Array {
  return readFileOrInput(path);
}
