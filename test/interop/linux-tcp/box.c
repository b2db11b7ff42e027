/*
 * Two network namespaces joined by a link of stated rate, delay and drop-tail queue, in user space:
 * one process, two TUN devices, no traffic control of the kernel. The namespaces have no names and
 * go when the process ends; others enter them by /proc/PID/fd/FD (told in the first line of output).
 *
 * Commands on standard input, one a line, each answered by one line of JSON:
 *   link DELAY_US RATE_KBPS QUEUE_BYTES LOSS_PPM SEED     both directions; drops what is under way
 *   stats                                                 counters since the last `link` or `stats`
 *   capture PREFIX OCTETS                                 keep so much of each packet; `capture -` writes PREFIX-{client,server}.pcap
 *   quit
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MTU 1500
#define SLOTS 65536
#define SPIN_NS 80000
#define STALL_NS 500000

typedef struct {
  int64_t at;   /* leaves the far end of the link */
  int64_t done; /* its last bit is on the wire: its bytes leave the queue */
  int64_t due;  /* when it came in, for the capture */
  uint16_t length;
  uint8_t data[MTU];
} Packet;

typedef struct {
  int from, to;
  Packet *ring;
  uint32_t head, tail, leave; /* `leave`: first packet whose bytes are still counted in the queue */
  int64_t busy;
  int64_t queued, highest;
  uint64_t packets, bytes, drops, lost;
  uint64_t random;
} Direction;

typedef struct {
  int64_t at;
  uint16_t length, kept;
  uint8_t side, data[MTU];
} Kept;

static Direction up, down;
static int64_t delay_ns = 1000000, queue_limit = 1 << 30, late_max, stall_max;
static uint64_t late_count, rate_kbps = 1000000, loss_ppm;
static Kept *kept;
static size_t kept_count, kept_room;
static char prefix[512];
static int snaplen = MTU;

static void fail(const char *what) {
  fprintf(stderr, "box: %s: %s\n", what, strerror(errno));
  exit(2);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) fail(path);
  close(fd);
}

static void address(int s, struct ifreq *r, unsigned long what, const char *text, const char *name) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  inet_pton(AF_INET, text, &a.sin_addr);
  memcpy(&r->ifr_addr, &a, sizeof a);
  if (ioctl(s, what, r) < 0) fail(name);
}

/* A fresh namespace becomes this thread's own; its TUN device has `mine`, the other side `peer`. */
static int tun(const char *mine, const char *peer) {
  if (unshare(CLONE_NEWNET) < 0) fail("unshare(CLONE_NEWNET)");
  put("/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) fail("/dev/net/tun");
  struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  strcpy(r.ifr_name, "tun0");
  if (ioctl(fd, TUNSETIFF, &r) < 0) fail("TUNSETIFF");
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  address(s, &r, SIOCSIFADDR, mine, "SIOCSIFADDR");
  address(s, &r, SIOCSIFDSTADDR, peer, "SIOCSIFDSTADDR");
  address(s, &r, SIOCSIFNETMASK, "255.255.255.255", "SIOCSIFNETMASK");
  r.ifr_mtu = MTU;
  if (ioctl(s, SIOCSIFMTU, &r) < 0) fail("SIOCSIFMTU");
  r.ifr_qlen = 10000; /* the queue of the link is ours: the kernel's must never drop */
  if (ioctl(s, SIOCSIFTXQLEN, &r) < 0) fail("SIOCSIFTXQLEN");
  const char *names[2] = {"lo", "tun0"};
  for (int i = 0; i < 2; i++) {
    struct ifreq f = {0};
    strcpy(f.ifr_name, names[i]);
    if (ioctl(s, SIOCGIFFLAGS, &f) < 0) fail("SIOCGIFFLAGS");
    f.ifr_flags |= IFF_UP;
    if (ioctl(s, SIOCSIFFLAGS, &f) < 0) fail("SIOCSIFFLAGS");
  }
  close(s);
  char route[200]; /* per route: some kernels default to BBR, and a namespace may not choose a restricted one */
  snprintf(route, sizeof route, "ip route replace %s dev tun0 src %s congctl cubic", peer, mine);
  if (system(route) != 0) fail(route);
  return fd;
}

static void keep(int side, int64_t at, const Packet *p) {
  if (prefix[0] == 0) return;
  if (kept_count == kept_room) {
    kept_room = kept_room ? kept_room * 2 : 1 << 16;
    kept = realloc(kept, kept_room * sizeof *kept);
    if (!kept) fail("realloc");
  }
  Kept *k = &kept[kept_count++];
  k->at = at;
  k->side = side;
  k->length = p->length;
  k->kept = p->length < snaplen ? p->length : snaplen;
  memcpy(k->data, p->data, k->kept);
}

static void write_capture(int side, int64_t wall_offset) {
  char path[600];
  snprintf(path, sizeof path, "%s-%s.pcap", prefix, side ? "server" : "client");
  FILE *f = fopen(path, "wb");
  if (!f) fail(path);
  uint32_t header[6] = {0xa1b23c4d, 0x00040002, 0, 0, (uint32_t)snaplen, 101};
  fwrite(header, sizeof header, 1, f);
  for (size_t i = 0; i < kept_count; i++) {
    Kept *k = &kept[i];
    if (k->side != side) continue;
    int64_t t = k->at + wall_offset;
    uint32_t h[4] = {(uint32_t)(t / 1000000000), (uint32_t)(t % 1000000000), k->kept, k->length};
    fwrite(h, sizeof h, 1, f);
    fwrite(k->data, k->kept, 1, f);
  }
  fclose(f);
}

static uint32_t random_ppm(Direction *d) {
  d->random ^= d->random << 13, d->random ^= d->random >> 7, d->random ^= d->random << 17;
  return (uint32_t)((d->random >> 16) % 1000000);
}

static void drain(Direction *d, int64_t now) {
  while (d->leave != d->tail && d->ring[d->leave % SLOTS].done <= now)
    d->queued -= d->ring[d->leave++ % SLOTS].length;
}

static int take(Direction *d) {
  int any = 0;
  for (int i = 0; i < 64; i++) {
    Packet *p = &d->ring[d->tail % SLOTS];
    ssize_t n = read(d->from, p->data, MTU);
    if (n <= 0) break;
    any = 1;
    int64_t now = now_ns();
    p->length = (uint16_t)n;
    if (p->data[0] >> 4 != 4) continue; /* router solicitations of IPv6 */
    keep(d == &down, now, p);
    drain(d, now);
    if (loss_ppm && random_ppm(d) < loss_ppm) {
      d->lost++;
      continue;
    }
    if (d->queued + n > queue_limit || d->tail - d->head >= SLOTS - 1) {
      d->drops++;
      continue;
    }
    d->queued += n;
    if (d->queued > d->highest) d->highest = d->queued;
    d->busy = (d->busy > now ? d->busy : now) + (int64_t)((uint64_t)n * 8000000 / rate_kbps);
    p->done = d->busy;
    p->at = d->busy + delay_ns;
    d->packets++;
    d->bytes += (uint64_t)n;
    d->tail++;
  }
  return any;
}

static int give(Direction *d) {
  int any = 0;
  while (d->head != d->tail) {
    Packet *p = &d->ring[d->head % SLOTS];
    int64_t now = now_ns();
    if (p->at > now) break;
    int64_t late = now - p->at;
    if (late > late_max) late_max = late;
    if (late > STALL_NS) late_count++;
    drain(d, now);
    keep(d == &up, now, p);
    if (write(d->to, p->data, p->length) < 0 && errno != EAGAIN) fail("write to TUN");
    d->head++;
    any = 1;
  }
  return any;
}

static void count(const char *name, Direction *d) {
  printf("\"%s\":{\"packets\":%llu,\"bytes\":%llu,\"drops\":%llu,\"lost\":%llu,\"highestQueue\":%lld}", name,
         (unsigned long long)d->packets, (unsigned long long)d->bytes, (unsigned long long)d->drops,
         (unsigned long long)d->lost, (long long)d->highest);
}

static void clear(Direction *d) {
  d->packets = d->bytes = d->drops = d->lost = 0;
  d->highest = d->queued;
}

static void command(char *line) {
  unsigned long long delay, rate, queue, loss, seed;
  char name[500];
  if (sscanf(line, "link %llu %llu %llu %llu %llu", &delay, &rate, &queue, &loss, &seed) == 5) {
    delay_ns = (int64_t)delay * 1000, rate_kbps = rate, queue_limit = (int64_t)queue, loss_ppm = loss;
    Direction *both[2] = {&up, &down};
    for (int i = 0; i < 2; i++) {
      both[i]->head = both[i]->leave = both[i]->tail;
      both[i]->busy = both[i]->queued = 0;
      both[i]->random = (seed + 1) * 0x9e3779b97f4a7c15u + (uint64_t)i * 0xd1342543de82ef95u;
      clear(both[i]);
    }
    late_max = stall_max = 0, late_count = 0;
    printf("{\"ok\":true}\n");
  } else if (strncmp(line, "stats", 5) == 0) {
    printf("{\"lateUs\":%lld,\"stallUs\":%lld,\"lateOver500\":%llu,", (long long)late_max / 1000,
           (long long)stall_max / 1000, (unsigned long long)late_count);
    count("up", &up), printf(","), count("down", &down), printf("}\n");
    clear(&up), clear(&down);
    late_max = stall_max = 0, late_count = 0;
  } else if (strncmp(line, "capture -", 9) == 0) {
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t offset = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - now_ns();
    if (prefix[0]) write_capture(0, offset), write_capture(1, offset);
    printf("{\"kept\":%zu}\n", kept_count);
    prefix[0] = 0, kept_count = 0;
  } else if (sscanf(line, "capture %499s %d", name, &snaplen) == 2) {
    strcpy(prefix, name);
    kept_count = 0;
    printf("{\"ok\":true}\n");
  } else if (strncmp(line, "quit", 4) == 0) {
    exit(0);
  } else {
    printf("{\"error\":\"unknown command\"}\n");
  }
  fflush(stdout);
}

int main(void) {
  int client = tun("10.77.0.1", "10.77.0.2");
  int client_ns = open("/proc/self/ns/net", O_RDONLY);
  int server = tun("10.77.0.2", "10.77.0.1");
  int server_ns = open("/proc/self/ns/net", O_RDONLY);
  if (client_ns < 0 || server_ns < 0) fail("/proc/self/ns/net");
  prctl(PR_SET_PDEATHSIG, 15);
  up.from = down.to = client, up.to = down.from = server;
  up.ring = malloc(sizeof(Packet) * SLOTS), down.ring = malloc(sizeof(Packet) * SLOTS);
  if (!up.ring || !down.ring) fail("malloc");
  mlockall(MCL_CURRENT | MCL_FUTURE);
  struct sched_param high = {.sched_priority = 50};
  int real_time = sched_setscheduler(0, SCHED_FIFO, &high) == 0;
  prctl(PR_SET_TIMERSLACK, 1);
  fcntl(0, F_SETFL, O_NONBLOCK);
  printf("{\"client\":\"/proc/%d/fd/%d\",\"server\":\"/proc/%d/fd/%d\",\"realTime\":%s}\n", getpid(), client_ns,
         getpid(), server_ns, real_time ? "true" : "false");
  fflush(stdout);

  char line[1024];
  size_t used = 0;
  int64_t last = now_ns();
  int slept = 1;
  for (;;) {
    int any = take(&up) | take(&down) | give(&up) | give(&down);
    int64_t now = now_ns(), next = INT64_MAX;
    if (!slept && now - last > stall_max) stall_max = now - last;
    last = now;
    slept = 0;
    if (any) continue;
    if (up.head != up.tail) next = up.ring[up.head % SLOTS].at;
    if (down.head != down.tail && down.ring[down.head % SLOTS].at < next) next = down.ring[down.head % SLOTS].at;
    int64_t wait = next == INT64_MAX ? 1000000000 : next - now - SPIN_NS;
    if (wait <= 0) continue;
    struct pollfd p[3] = {{client, POLLIN, 0}, {server, POLLIN, 0}, {0, POLLIN, 0}};
    struct timespec t = {wait / 1000000000, wait % 1000000000};
    slept = 1;
    if (ppoll(p, 3, &t, NULL) < 0 && errno != EINTR) fail("ppoll");
    if (p[2].revents) {
      ssize_t n = read(0, line + used, sizeof line - used - 1);
      if (n == 0) return 0;
      if (n > 0) used += (size_t)n;
      line[used] = 0;
      char *end;
      while ((end = strchr(line, '\n'))) {
        *end = 0;
        command(line);
        used -= (size_t)(end + 1 - line);
        memmove(line, end + 1, used + 1);
      }
      slept = 1;
    }
  }
}
