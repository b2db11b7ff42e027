/*
 * Fetches N objects by one strategy and tells how long it took, as one line of JSON.
 *   client ADDRESS PORT STRATEGY N BYTES CONNECTIONS
 * Objects are /oBYTES/f1 .. /oBYTES/fN. Time: from connect() to the last byte of the last body; for
 * pipelined-warm from the second set's write.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  int fd, open, due; /* `due`: answers still to come on this connection */
  int64_t body;      /* bytes of the current body to come; -1 while in a head */
  size_t head_used;
  char head[4096];
} Connection;

static struct sockaddr_in server;
static const char *host, *strategy;
static int total, next_object, finished, keep_alive, pipelined, wanted, epoll_fd, first_head;
static long size_each;
static Connection connections[64];
static char buffer[1 << 18];

static void fail(const char *what) {
  fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
  exit(2);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int request(char *out, int i) {
  return sprintf(out, "GET /o%ld/f%d HTTP/1.1\r\nHost: %s\r\nUser-Agent: netkit\r\nAccept: */*\r\n%s\r\n", size_each,
                 i + 1, host, keep_alive ? "" : "Connection: close\r\n");
}

static void start(Connection *c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket");
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  c->open = 0, c->due = 0, c->body = -1, c->head_used = 0;
  if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) fail("connect");
  struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) < 0) fail("epoll_ctl");
}

/* All requests that are due on this connection, in one write. */
static void ask(Connection *c) {
  static char out[1 << 16];
  int length = 0, count = pipelined ? total : 1;
  for (int i = 0; i < count && next_object < total; i++) {
    length += request(out + length, next_object++);
    c->due++;
  }
  if (length > 0 && write(c->fd, out, (size_t)length) != length) fail("write");
}

static void finish(Connection *c) {
  finished++;
  c->due--;
  c->body = -1, c->head_used = 0;
  if (c->due > 0 || next_object >= total) return;
  if (keep_alive) {
    ask(c);
  } else {
    close(c->fd);
    start(c);
  }
}

static void consume(Connection *c, const char *data, size_t length) {
  while (length > 0) {
    if (c->body >= 0) {
      size_t part = (int64_t)length < c->body ? length : (size_t)c->body;
      c->body -= (int64_t)part, data += part, length -= part;
    } else {
      if (c->head_used == sizeof c->head - 1) fail("head too long");
      c->head[c->head_used++] = *data++;
      length--;
      if (c->head_used < 4 || memcmp(c->head + c->head_used - 4, "\r\n\r\n", 4) != 0) continue;
      c->head[c->head_used] = 0;
      char *field = strcasestr(c->head, "\r\nContent-Length:");
      if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !field) {
        fprintf(stderr, "client: unexpected answer: %.60s\n", c->head);
        exit(3);
      }
      c->body = atoll(field + 17);
      if (!first_head) first_head = (int)c->head_used;
    }
    if (c->body == 0) finish(c);
  }
}

static void readable(Connection *c) {
  int fd = c->fd;
  while (c->open) { /* a new connection may have got the same descriptor */
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) fail("read");
    if (n == 0) {
      if (c->due == 0) {
        close(fd);
        c->open = 0;
        return;
      }
      errno = EPIPE;
      fail("the server closed early");
    }
    consume(c, buffer, (size_t)n);
    if (finished == wanted) return;
  }
}

static void run(void) {
  struct epoll_event events[64];
  while (finished < wanted) {
    int n = epoll_wait(epoll_fd, events, 64, 60000);
    if (n < 0 && errno != EINTR) fail("epoll_wait");
    if (n == 0) errno = ETIMEDOUT, fail("no event in 60 s");
    for (int i = 0; i < n && finished < wanted; i++) {
      Connection *c = events[i].data.ptr;
      if (!c->open) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error) errno = error, fail("connect");
        c->open = 1;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
        ask(c);
      } else {
        readable(c);
      }
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: client ADDRESS PORT STRATEGY N BYTES CONNECTIONS\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, 9);
  host = argv[1], strategy = argv[3], total = wanted = atoi(argv[4]), size_each = atol(argv[5]);
  server.sin_family = AF_INET, server.sin_port = htons((uint16_t)atoi(argv[2]));
  inet_pton(AF_INET, host, &server.sin_addr);
  int many = strncmp(strategy, "concurrent", 10) == 0 ? atoi(argv[6]) : 1;
  int warm = strcmp(strategy, "pipelined-warm") == 0;
  pipelined = strncmp(strategy, "pipelined", 9) == 0;
  keep_alive = strcmp(strategy, "serial") != 0 && strcmp(strategy, "concurrent") != 0;
  if (many > total) many = total;
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  memset(buffer, 0, sizeof buffer); /* page faults before the clock runs */

  int64_t begin = now_ns();
  for (int i = 0; i < many; i++) start(&connections[i]);
  run();
  int64_t end = now_ns();
  double cold = (double)(end - begin) / 1e6;
  if (warm) {
    next_object = 0, wanted += total;
    begin = now_ns();
    ask(&connections[0]);
    run();
    end = now_ns();
  }
  printf("{\"ms\":%.3f,\"coldMs\":%.3f,\"objects\":%d,\"headBytes\":%d}\n", (double)(end - begin) / 1e6, cold, finished,
         first_head);
  return 0;
}
