/** The rules in the order in which they are checked: the plain ones first. */

import { rule as axfrGuarded } from "./axfr-guarded.ts";
import { rule as axfrUdp } from "./axfr-udp.ts";
import { rule as caseBlind } from "./case-blind.ts";
import { rule as classUnknown } from "./class-unknown.ts";
import { rule as clientSubnet } from "./client-subnet.ts";
import { rule as cookieServer } from "./cookie-server.ts";
import { rule as cookieShort } from "./cookie-short.ts";
import { rule as countsBeyond } from "./counts-beyond.ts";
import { rule as ednsAnswered } from "./edns-answered.ts";
import { rule as ednsDo } from "./edns-do.ts";
import { rule as ednsNotUnasked } from "./edns-not-unasked.ts";
import { rule as ednsOptionLength } from "./edns-option-length.ts";
import { rule as ednsOptionUnknown } from "./edns-option-unknown.ts";
import { rule as ednsOwner } from "./edns-owner.ts";
import { rule as ednsSize } from "./edns-size.ts";
import { rule as ednsSizeSmall } from "./edns-size-small.ts";
import { rule as ednsTwo } from "./edns-two.ts";
import { rule as ednsVersion } from "./edns-version.ts";
import { rule as ednsZ } from "./edns-z.ts";
import { rule as headerId } from "./header-id.ts";
import { rule as headerOpcode } from "./header-opcode.ts";
import { rule as headerQr } from "./header-qr.ts";
import { rule as headerRd } from "./header-rd.ts";
import { rule as headerZ } from "./header-z.ts";
import { rule as labelType } from "./label-type.ts";
import { rule as negativeTtl } from "./negative-ttl.ts";
import { rule as nodata } from "./nodata.ts";
import { rule as notifyStranger } from "./notify-stranger.ts";
import { rule as nsAnswer } from "./ns-answer.ts";
import { rule as nsid } from "./nsid.ts";
import { rule as nxdomain } from "./nxdomain.ts";
import { rule as opcodeUnknown } from "./opcode-unknown.ts";
import { rule as outOfZone } from "./out-of-zone.ts";
import { rule as padding } from "./padding.ts";
import { rule as pointerLoop } from "./pointer-loop.ts";
import { rule as qnameLong } from "./qname-long.ts";
import { rule as queryNotResponse } from "./query-not-response.ts";
import { rule as questionCase } from "./question-case.ts";
import { rule as questionEcho } from "./question-echo.ts";
import { rule as questionNone } from "./question-none.ts";
import { rule as questionTwo } from "./question-two.ts";
import { rule as responseDecodes } from "./response-decodes.ts";
import { rule as rrsetTtl } from "./rrset-ttl.ts";
import type { Rule } from "./rule.ts";
import { rule as soaAnswer } from "./soa-answer.ts";
import { rule as tcpPipelined } from "./tcp-pipelined.ts";
import { rule as tcpReuse } from "./tcp-reuse.ts";
import { rule as tcpShortFrame } from "./tcp-short-frame.ts";
import { rule as tcpSplit } from "./tcp-split.ts";
import { rule as tcpWorks } from "./tcp-works.ts";
import { rule as trailing } from "./trailing.ts";
import { rule as truncatedHeader } from "./truncated-header.ts";
import { rule as truncatedQuestion } from "./truncated-question.ts";
import { rule as tsigUnknownKey } from "./tsig-unknown-key.ts";
import { rule as typeUnknown } from "./type-unknown.ts";
import { rule as udpSize } from "./udp-size.ts";
import { rule as updateRefused } from "./update-refused.ts";

export const RULES: readonly Rule[] = [
  headerId,
  headerQr,
  headerOpcode,
  headerRd,
  headerZ,
  opcodeUnknown,
  questionEcho,
  questionCase,
  questionNone,
  questionTwo,
  queryNotResponse,
  truncatedHeader,
  truncatedQuestion,
  pointerLoop,
  labelType,
  countsBeyond,
  typeUnknown,
  classUnknown,
  tcpWorks,
  tcpReuse,
  tcpPipelined,
  tcpSplit,
  tcpShortFrame,
  udpSize,
  ednsSize,
  ednsSizeSmall,
  ednsAnswered,
  ednsNotUnasked,
  ednsVersion,
  ednsTwo,
  ednsOwner,
  ednsOptionUnknown,
  ednsZ,
  ednsDo,
  ednsOptionLength,
  cookieShort,
  cookieServer,
  padding,
  clientSubnet,
  nsid,
  trailing,
  responseDecodes,
  qnameLong,
  updateRefused,
  notifyStranger,
  axfrUdp,
  soaAnswer,
  nsAnswer,
  nodata,
  nxdomain,
  negativeTtl,
  caseBlind,
  rrsetTtl,
  outOfZone,
  axfrGuarded,
  tsigUnknownKey,
];
