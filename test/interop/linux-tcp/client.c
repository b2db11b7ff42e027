/*
 * Fetches objects by one strategy and tells how long it took, as one line of JSON.
 *   client ADDRESS PORT STRATEGY CONNECTIONS OBJECTS [reload]
 * OBJECTS: N,BYTES for /oBYTES/f1 .. /oBYTES/fN, which depend on nothing, or a file with a line
 * `PATH PARENT` for each object: it is known when PARENT, a line counted from 0, has come (-1: from the start).
 * reload: with If-None-Match. Time: from connect() to the last byte of the last body; for pipelined-warm from
 * the second set's write.
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

#define MOST 4096
#define CONNECTIONS 64

typedef struct {
  char path[128];
  int parent, status;
  int64_t start, end, body;
} Object;

typedef struct {
  int fd, used, open;
  int64_t body; /* bytes of the current body to come; -1 while in a head */
  size_t head_used;
  int due[MOST], first_due, last_due; /* objects whose answers are still to come, in order */
  char head[4096];
} Connection;

static struct sockaddr_in server;
static const char *host;
static Object objects[MOST];
static int total, finished, keep_alive, pipelined, reload, many, epoll_fd, first_head;
static int queue[MOST], queue_first, queue_last;
static Connection connections[CONNECTIONS];
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

static void start(Connection *c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket");
  int on = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  c->used = 1, c->open = 0, c->first_due = c->last_due = 0, c->body = -1, c->head_used = 0;
  if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) fail("connect");
  struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) < 0) fail("epoll_ctl");
}

static void stop(Connection *c) {
  close(c->fd);
  c->used = c->open = 0;
}

/* All requests that are due on this connection, in one write. */
static void ask(Connection *c) {
  static char out[MOST * 256];
  int length = 0, from = c->last_due;
  while (queue_first < queue_last) {
    int id = queue[queue_first++];
    length += sprintf(out + length, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: netkit\r\nAccept: */*\r\n%s%s\r\n",
                      objects[id].path, host, reload ? "If-None-Match: \"1\"\r\n" : "",
                      keep_alive ? "" : "Connection: close\r\n");
    c->due[c->last_due++] = id;
    if (!pipelined) break;
  }
  int64_t now = now_ns();
  for (int i = from; i < c->last_due; i++) objects[c->due[i]].start = now;
  if (length > 0 && write(c->fd, out, (size_t)length) != length) fail("write");
}

/* What is due goes to connections that wait, then to new ones. */
static void dispatch(void) {
  int opening = 0;
  for (int i = 0; i < many; i++) {
    Connection *c = &connections[i];
    if (c->used && !c->open) opening++;
    if (c->used && c->open && (c->first_due == c->last_due || pipelined) && queue_first < queue_last) ask(c);
  }
  for (int i = 0; i < many && opening < queue_last - queue_first; i++) {
    if (connections[i].used) continue;
    start(&connections[i]);
    opening++;
  }
}

static void finish(Connection *c) {
  int id = c->due[c->first_due++];
  objects[id].end = now_ns();
  finished++;
  c->body = -1, c->head_used = 0;
  for (int i = 0; i < total; i++)
    if (objects[i].parent == id) queue[queue_last++] = i;
  if (!keep_alive) stop(c);
  dispatch();
}

static void consume(Connection *c, const char *data, size_t length) {
  while (length > 0 && c->open) {
    if (c->body >= 0) {
      size_t part = (int64_t)length < c->body ? length : (size_t)c->body;
      c->body -= (int64_t)part, data += part, length -= part;
    } else {
      if (c->head_used == sizeof c->head - 1) fail("head too long");
      c->head[c->head_used++] = *data++;
      length--;
      if (c->head_used < 4 || memcmp(c->head + c->head_used - 4, "\r\n\r\n", 4) != 0) continue;
      c->head[c->head_used] = 0;
      int status = atoi(c->head + 9);
      char *field = strcasestr(c->head, "\r\nContent-Length:");
      if (status != 304 && (status != 200 || !field)) {
        fprintf(stderr, "client: unexpected answer: %.60s\n", c->head);
        exit(3);
      }
      Object *o = &objects[c->due[c->first_due]];
      o->status = status;
      o->body = c->body = status == 304 ? 0 : atoll(field + 17);
      if (!first_head) first_head = (int)c->head_used;
    }
    if (c->body == 0) finish(c);
  }
}

static void readable(Connection *c) {
  int fd = c->fd;
  while (c->open && c->fd == fd) {
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) fail("read");
    if (n == 0) {
      if (c->first_due == c->last_due) {
        stop(c);
        return;
      }
      errno = EPIPE;
      fail("the server closed early");
    }
    consume(c, buffer, (size_t)n);
    if (finished == total) return;
  }
}

static void run(void) {
  struct epoll_event events[CONNECTIONS];
  for (int i = 0; i < total; i++)
    if (objects[i].parent < 0) queue[queue_last++] = i;
  dispatch();
  while (finished < total) {
    int n = epoll_wait(epoll_fd, events, CONNECTIONS, 60000);
    if (n < 0 && errno != EINTR) fail("epoll_wait");
    if (n == 0) errno = ETIMEDOUT, fail("no event in 60 s");
    for (int i = 0; i < n && finished < total; i++) {
      Connection *c = events[i].data.ptr;
      if (!c->open) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error) errno = error, fail("connect");
        if (events[i].events == EPOLLIN) continue; /* of the connection that had the descriptor before */
        c->open = 1;
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
        if (queue_first < queue_last) ask(c);
      } else {
        readable(c);
      }
    }
  }
}

static void plan(const char *what) {
  int n;
  long bytes;
  if (sscanf(what, "%d,%ld", &n, &bytes) == 2) {
    for (int i = 0; i < n && i < MOST; i++) {
      sprintf(objects[i].path, "/o%ld/f%d", bytes, i + 1);
      objects[i].parent = -1;
    }
    total = n;
    return;
  }
  FILE *f = fopen(what, "r");
  if (!f) fail(what);
  while (total < MOST && fscanf(f, "%127s %d", objects[total].path, &objects[total].parent) == 2) total++;
  fclose(f);
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: client ADDRESS PORT STRATEGY CONNECTIONS OBJECTS [reload]\n");
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, 9);
  const char *strategy = argv[3];
  host = argv[1];
  plan(argv[5]);
  reload = argc > 6 && strcmp(argv[6], "reload") == 0;
  server.sin_family = AF_INET, server.sin_port = htons((uint16_t)atoi(argv[2]));
  inet_pton(AF_INET, host, &server.sin_addr);
  many = strncmp(strategy, "concurrent", 10) == 0 ? atoi(argv[4]) : 1;
  int warm = strcmp(strategy, "pipelined-warm") == 0;
  pipelined = strncmp(strategy, "pipelined", 9) == 0;
  keep_alive = strcmp(strategy, "serial") != 0 && strcmp(strategy, "concurrent") != 0;
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  memset(buffer, 0, sizeof buffer); /* page faults before the clock runs */

  int64_t begin = now_ns();
  run();
  double cold = (double)(now_ns() - begin) / 1e6;
  if (warm) {
    finished = queue_first = queue_last = 0;
    connections[0].first_due = connections[0].last_due = 0;
    begin = now_ns();
    run();
  }
  int64_t end = now_ns();
  printf("{\"ms\":%.3f,\"coldMs\":%.3f,\"headBytes\":%d,\"objects\":[", (double)(end - begin) / 1e6, cold, first_head);
  for (int i = 0; i < total; i++) {
    Object *o = &objects[i];
    printf("%s[\"%s\",%d,%lld,%.3f,%.3f]", i ? "," : "", o->path, o->status, (long long)o->body,
           (double)(o->start - begin) / 1e6, (double)(o->end - begin) / 1e6);
  }
  printf("]}\n");
  return 0;
}
