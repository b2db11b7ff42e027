/*
 * Answers on 127.0.0.1 as a table says, after a time to think: what stands behind nginx.
 *   origin PORT TABLE
 * TABLE has a line `PATH THINK_US TYPE FILE` for each object. If-None-Match gives 304. One thread a connection.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  char path[128], type[64], file[512];
  long think_us;
  char *body;
  size_t size;
} Entry;

static Entry entries[4096];
static int count;

static void fail(const char *what) {
  fprintf(stderr, "origin: %s: %s\n", what, strerror(errno));
  exit(2);
}

static void load(const char *table) {
  FILE *f = fopen(table, "r");
  if (!f) fail(table);
  Entry *e;
  while ((e = &entries[count], fscanf(f, "%127s %ld %63s %511s", e->path, &e->think_us, e->type, e->file) == 4)) {
    FILE *b = fopen(e->file, "rb");
    if (!b) fail(e->file);
    fseek(b, 0, SEEK_END);
    e->size = (size_t)ftell(b);
    rewind(b);
    e->body = malloc(e->size + 1);
    if (fread(e->body, 1, e->size, b) != e->size) fail(e->file);
    fclose(b);
    count++;
  }
  fclose(f);
}

static int answer(int fd, const char *request) {
  char path[128], head[512];
  if (sscanf(request, "GET %127s", path) != 1) return 0;
  Entry *e = NULL;
  for (int i = 0; i < count; i++)
    if (strcmp(entries[i].path, path) == 0) e = &entries[i];
  if (!e) fail(path);
  struct timespec t = {e->think_us / 1000000, e->think_us % 1000000 * 1000};
  if (e->think_us) nanosleep(&t, NULL);
  int known = strcasestr(request, "\r\nIf-None-Match:") != NULL;
  int n = sprintf(head,
                  "HTTP/1.1 %s\r\nContent-Type: %s\r\nETag: \"1\"\r\nCache-Control: max-age=86400\r\n",
                  known ? "304 Not Modified" : "200 OK", e->type);
  n += known ? sprintf(head + n, "\r\n") : sprintf(head + n, "Content-Length: %zu\r\n\r\n", e->size);
  struct iovec v[2] = {{head, (size_t)n}, {e->body, known ? 0 : e->size}};
  size_t left = v[0].iov_len + v[1].iov_len;
  while (left > 0) {
    ssize_t w = writev(fd, v, 2);
    if (w <= 0) return 0;
    left -= (size_t)w;
    for (int i = 0; i < 2; i++) {
      size_t part = (size_t)w < v[i].iov_len ? (size_t)w : v[i].iov_len;
      v[i].iov_base = (char *)v[i].iov_base + part, v[i].iov_len -= part, w -= (ssize_t)part;
    }
  }
  return 1;
}

static void *serve(void *argument) {
  int fd = (int)(long)argument;
  char in[8192];
  size_t used = 0;
  prctl(PR_SET_TIMERSLACK, 1);
  for (;;) {
    ssize_t n = read(fd, in + used, sizeof in - used - 1);
    if (n <= 0) break;
    used += (size_t)n;
    in[used] = 0;
    char *end = strstr(in, "\r\n\r\n");
    if (!end) continue;
    if (!answer(fd, in)) break;
    used -= (size_t)(end + 4 - in);
    memmove(in, end + 4, used);
  }
  close(fd);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  prctl(PR_SET_PDEATHSIG, 9);
  load(argv[2]);
  int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(s, (struct sockaddr *)&a, sizeof a) < 0 || listen(s, 256) < 0) fail("listen");
  for (;;) {
    int fd = accept(s, NULL, NULL);
    if (fd < 0) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, (void *)(long)fd) == 0) pthread_detach(thread);
    else close(fd);
  }
}
