/** `netkit dns poison-lab`. */
import * as Flags from "@oclif/core/flags";
import { JsonLinesCommand } from "../../command.ts";

export default class DnsPoisonLab extends JsonLinesCommand {
  static override summary =
    "The Kaminsky race, simulated: how many random bits keep a cache clean.";
  static override description =
    "An attacker makes a resolver ask for names that are in no cache and sends forged answers before the true one comes. The dial is what the resolver draws at random: bits of the transaction identifier, of the source port, and the case of letters (0x20). Prints the share of races won beside the closed formula 1 - (1 - 2^-bits)^forged (RFC 5452 7). Everything happens in virtual time; no packet leaves this program.";
  static override examples = [
    "<%= config.bin %> dns poison-lab",
    "<%= config.bin %> dns poison-lab --id-bits 16 --port-bits 0 --forged 60",
    "<%= config.bin %> dns poison-lab --id-bits 4 --random-case --json",
  ];
  static override flags = {
    "id-bits": Flags.integer({
      description: "random bits of identifiers",
      default: 8,
      min: 0,
      max: 16,
    }),
    "port-bits": Flags.integer({
      description: "random bits of source ports",
      default: 0,
      min: 0,
      max: 15,
    }),
    "random-case": Flags.boolean({ description: "names in random case, checked in answers" }),
    forged: Flags.integer({
      description: "forged answers a race (at 64 guesses the resolver gives the socket up)",
      default: 20,
      min: 1,
      max: 63,
    }),
    races: Flags.integer({ description: "races", default: 2000, min: 1, max: 1_000_000 }),
    seed: Flags.integer({ description: "of everything that is drawn", default: 1 }),
    json: Flags.boolean({ description: "one JSON document" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(DnsPoisonLab);
    const { poison } = await import("../../dns/lab/poison.ts");
    const result = poison({
      seed: flags.seed,
      races: flags.races,
      forged: flags.forged,
      idBits: flags["id-bits"],
      portBits: flags["port-bits"],
      randomCase: flags["random-case"],
    });
    if (flags.json) {
      this.logJson(result);
      return;
    }
    const percent = (value: number) => `${(100 * value).toFixed(3)} %`;
    process.stdout.write(
      `${result.bits} bits to guess, ${flags.forged} forged answers a race\n` +
        `won      ${result.won} of ${result.races} races: ${percent(result.rate)}\n` +
        `formula  ${percent(result.expected)} (${result.sigmas.toFixed(2)} standard deviations away)\n` +
        `half     of all attackers have poisoned the cache after ${result.racesToHalf} races\n`,
    );
  }
}
