import { describe } from "vitest";
import { decode, encode } from "../../../src/codecs/sdp/index.ts";
import { session } from "../../support/arbitraries/text.ts";
import { itKeepsCodecProperties } from "../../support/codec-properties.ts";

describe("RFC 8866: session descriptions", () => {
  itKeepsCodecProperties({ decode, encode, messages: session, cutsAreRefused: false });
});
