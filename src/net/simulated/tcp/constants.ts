/** Numbers of Linux 6.18, which the simulated TCP behaves as. Times in nanoseconds, windows in segments where not said. */
import { MILLISECOND, SECOND } from "../../../engines/host.ts";

/** Octets of a full segment: MTU 1500 less IP, TCP and timestamps. */
export const MSS = 1448;
/** What a SYN announces (RFC 9293 3.7.1), before timestamps are taken off. */
export const ADVERTISED_MSS = 1460;
/** RFC 6928. */
export const INITIAL_WINDOW = 10;
export const NO_THRESHOLD = 0x7fff_ffff;

export const MIN_RTO = 200 * MILLISECOND;
export const MAX_RTO = 120 * SECOND;
export const FIRST_RTO = SECOND;
/** net.ipv4.tcp_retries2. */
export const MAX_RETRIES = 15;
/** When a SYN that nobody answers is sent again, and when it gives up. */
export const SYN_TIMES = [1, 2, 3, 4, 5, 7, 11, 19.5].map((s) => s * SECOND);
export const SYN_GIVES_UP = 36 * SECOND;
/** How long the last acknowledgment may be asked for again (RFC 9293 3.6.1: 2 MSL). */
export const TIME_WAIT = 60 * SECOND;

/** Kernel timers run at its ticks: HZ 250. */
export const JIFFY = 4 * MILLISECOND;

export const DELAYED_ACK = 40 * MILLISECOND;
export const DELAYED_ACK_MAX = 200 * MILLISECOND;
/** Segments that are acknowledged at once when data begins to come. */
export const QUICK_ACKS = 16;

/** RFC 7323 2: of tcp_rmem's maximum. */
export const WINDOW_SHIFT = 10;
export const FIRST_RECEIVE_WINDOW = 64_240;
/** What a receive buffer of 128 KiB allows once full segments come. */
export const FIRST_WINDOW_CLAMP = 81_920;
/** Of tcp_rmem, as window. */
export const MAX_WINDOW_CLAMP = 20 * 1024 * 1024;
