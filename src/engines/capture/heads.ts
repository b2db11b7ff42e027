/** What is kept of a stream until its protocol is known. */
import { Mark } from "./mark.ts";

export class Heads {
  readonly bytes: [Uint8Array | undefined, Uint8Array | undefined] = [undefined, undefined];
  readonly marks: [Mark, Mark] = [new Mark(), new Mark()];
}
