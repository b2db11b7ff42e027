/** Flags of `http fetch`: what is sent. */
import * as Flags from "@oclif/core/flags";

const helpGroup = "BODY";
const many = { multiple: true, multipleNonGreedy: true, helpGroup } as const;

export const bodyFlags = {
  data: Flags.string({
    ...many,
    char: "d",
    helpValue: "TEXT|@FILE",
    description: "a body, or a part of one; POST, where no method is given",
  }),
  "data-binary": Flags.string({
    ...many,
    helpValue: "TEXT|@FILE",
    description: "the same with the line ends of the file",
  }),
  "data-raw": Flags.string({ ...many, helpValue: "TEXT", description: "the same, @ and all" }),
  "data-urlencode": Flags.string({
    ...many,
    helpValue: "[NAME]=TEXT|[NAME]@FILE",
    description: "the same, percent-encoded",
  }),
  get: Flags.boolean({
    char: "G",
    description: "what --data says belongs to the query of a GET",
    helpGroup,
  }),
  "json-data": Flags.string({
    ...many,
    helpValue: "TEXT|@FILE",
    description: "a body of JSON, with Content-Type and Accept",
  }),
  form: Flags.string({
    ...many,
    char: "F",
    helpValue: "NAME=TEXT|NAME=@FILE",
    description: "a part of multipart/form-data; ;type=T and ;filename=N may follow",
  }),
  "upload-file": Flags.string({
    char: "T",
    helpValue: "FILE|-",
    description: "PUT a file; its name is added to a URL that ends in /",
    helpGroup,
  }),
  compressed: Flags.boolean({
    description: "ask for gzip, deflate, br or zstd, and undo it",
    helpGroup,
  }),
  range: Flags.string({
    char: "r",
    helpValue: "FROM-TO",
    description: "only these octets, e.g. 0-499, 500-, -500",
    exclusive: ["compressed", "continue-at"],
    helpGroup,
  }),
  "continue-at": Flags.string({
    char: "C",
    helpValue: "OFFSET|-",
    description: "go on with a file that was cut; - goes on where its .part ends",
    exclusive: ["compressed", "page", "compare", "warm"],
    helpGroup,
  }),
  "max-filesize": Flags.string({
    helpValue: "BYTES",
    description: "give up on a larger body (K, M and G may follow)",
    helpGroup,
  }),
  cache: Flags.string({
    helpValue: "DIR",
    description: "a private cache, kept over runs",
    exclusive: ["compare", "simulated", "split", "range", "continue-at"],
    helpGroup,
  }),
  "cache-size": Flags.string({
    helpValue: "BYTES",
    default: "256M",
    description: "of --cache",
    helpGroup,
  }),
  "etag-save": Flags.string({
    helpValue: "FILE",
    description: "keep the entity tag of the response",
    helpGroup,
  }),
  "etag-compare": Flags.string({
    helpValue: "FILE",
    description: "only if the entity tag is not the one kept (304 else)",
    helpGroup,
  }),
  "time-cond": Flags.string({
    char: "z",
    helpValue: "DATE|FILE",
    description: "only if it changed since; with - before it, if it did not",
    helpGroup,
  }),
  split: Flags.integer({
    min: 1,
    max: 64,
    helpValue: "N",
    description: "one object by N ranges at once; more URLs are mirrors of it",
    dependsOn: ["output"],
    exclusive: [
      "compressed",
      "range",
      "continue-at",
      "page",
      "compare",
      "warm",
      "upload-file",
      "head",
    ],
    helpGroup,
  }),
  checksum: Flags.string({
    helpValue: "sha256:HEX",
    description: "of the file of --output; exit 1 and no file if it differs",
    dependsOn: ["output"],
    helpGroup,
  }),
} as const;
