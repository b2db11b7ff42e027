/** Lists whose members have a weight. RFC 9110 12.4.2 */
import { listMembers } from "./fields.ts";

export interface Weight {
  readonly range: string;
  readonly quality: number;
}

/** Members in the order they were written, in lower case. */
export function weights(value: string): Weight[] {
  return listMembers(value).map((member) => {
    const [range = "", ...parameters] = member.split(";").map((part) => part.trim().toLowerCase());
    let quality = 1;
    const others: string[] = [];
    for (const parameter of parameters) {
      const match = /^q[ \t]*=[ \t]*([01](?:\.[0-9]{0,3})?)$/.exec(parameter);
      if (match === null) others.push(parameter);
      else quality = Math.min(1, Number(match[1]));
    }
    return { range: [range, ...others].join(";"), quality };
  });
}
