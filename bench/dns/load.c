/* A light client for benchmarks: many questions a system call, and one walk through the kernel for all
 * of them (UDP_SEGMENT, Linux 4.18), so that the server has the processors.
 * load PORT SECONDS SOCKETS WINDOW: asks host100..host999.example A at 127.0.0.1, with EDNS; WINDOW
 * questions under way on each socket. Prints: answered seconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, MOST = 64, SIZE = 512, FIRST = 100, NAMES = 900 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* RFC 1035 4.1, with an OPT of RFC 6891. */
static size_t question(unsigned char *to, unsigned id, unsigned name) {
  static const unsigned char tail[] = {7,  'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1,
                                       0,  0,   41,  4,   208, 0,   0,   0,   0, 0, 0};
  const unsigned char head[] = {(unsigned char)(id >> 8), (unsigned char)id, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
  memcpy(to, head, sizeof head);
  int label = snprintf((char *)to + 13, 32, "host%u", name);
  to[12] = (unsigned char)label;
  memcpy(to + 13 + label, tail, sizeof tail);
  return 13 + (size_t)label + sizeof tail;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const int port = atoi(argv[1]), sockets = atoi(argv[3]), window = atoi(argv[4]);
  const double seconds = atof(argv[2]);
  if (sockets < 1 || sockets > MOST || window < 1) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct pollfd fds[MOST];
  int room[MOST];
  double heard[MOST];
  for (int i = 0; i < sockets; i++) {
    fds[i].fd = socket(AF_INET, SOCK_DGRAM, 0);
    fds[i].events = POLLIN;
    int buffer = 1 << 22;
    setsockopt(fds[i].fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (fds[i].fd < 0 || connect(fds[i].fd, (struct sockaddr *)&to, sizeof to) != 0) return 1;
    room[i] = window;
    heard[i] = now();
  }
  static unsigned char out[BATCH * SIZE], in[BATCH][SIZE];
  /* All questions have the same length: the names have three digits each. */
  const int length = (int)question(out, 0, FIRST);
  for (int i = 0; i < sockets; i++)
    if (setsockopt(fds[i].fd, IPPROTO_UDP, UDP_SEGMENT, &length, sizeof length) != 0) return 1;
  struct mmsghdr receives[BATCH];
  struct iovec into[BATCH];
  memset(receives, 0, sizeof receives);
  for (int i = 0; i < BATCH; i++) {
    into[i] = (struct iovec){in[i], SIZE};
    receives[i].msg_hdr = (struct msghdr){.msg_iov = &into[i], .msg_iovlen = 1};
  }
  unsigned long answered = 0;
  unsigned next = 0;
  const double began = now(), end = began + seconds;
  double t = began;
  for (; t < end; t = now()) {
    for (int s = 0; s < sockets; s++) {
      /* What was lost is asked again. */
      if (room[s] < window && t - heard[s] > 0.2) room[s] = window, heard[s] = t;
      while (room[s] >= BATCH || room[s] == window) {
        const int count = room[s] < BATCH ? room[s] : BATCH;
        for (int i = 0; i < count; i++, next++)
          question(out + i * length, next & 0xffff, FIRST + next % NAMES);
        if (send(fds[s].fd, out, (size_t)(count * length), MSG_DONTWAIT) < 0) break;
        room[s] -= count;
      }
    }
    poll(fds, (nfds_t)sockets, 50);
    for (int s = 0; s < sockets; s++) {
      if (!(fds[s].revents & POLLIN)) continue;
      const int got = recvmmsg(fds[s].fd, receives, BATCH, MSG_DONTWAIT, NULL);
      if (got <= 0) continue;
      heard[s] = t;
      answered += (unsigned long)got;
      room[s] = room[s] + got > window ? window : room[s] + got;
    }
  }
  printf("%lu %.3f\n", answered, t - began);
  return 0;
}
