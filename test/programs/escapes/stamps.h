/* What all kinds share: the file that tells until when somebody was there, and new processes. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char **words;
#define STAMPS words[2]
#define LINGER_MS atol(words[3])

static long now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000L + time.tv_nsec / 1000;
}

static void stamp(void) {
  char line[32];
  int file = open(STAMPS, O_WRONLY | O_CREAT | O_APPEND, 0666);
  fchmod(file, 0666);
  write(file, line, snprintf(line, sizeof line, "%ld\n", now(CLOCK_REALTIME)));
  close(file);
}

/* Where a program lies beside STAMPS, who has hidden becomes it. */
static void attempt(void) {
  char program[4096];
  snprintf(program, sizeof program, "%s.attempt", STAMPS);
  if (access(program, X_OK) == 0) execl(program, program, NULL);
}

static void *linger(void *nothing) {
  stamp();
  attempt();
  long end = now(CLOCK_MONOTONIC) + LINGER_MS * 1000;
  do {
    stamp();
    usleep(2000);
  } while (now(CLOCK_MONOTONIC) < end);
  stamp();
  _exit(0);
}

static void last(void) { linger(NULL); }

/* The first process ends when somebody has hidden, not before. */
static void seen(void) {
  struct stat status;
  while (stat(STAMPS, &status) != 0 || status.st_size == 0) usleep(500);
}

/* In a new process; the caller goes on. */
static pid_t elsewhere(void (*deed)(void)) {
  pid_t child = fork();
  if (child == 0) {
    deed();
    _exit(0);
  }
  return child;
}

static void again(const char *kind, char **environment) {
  char *argv[] = {words[0], (char *)kind, words[2], words[3], NULL};
  execve("/proc/self/exe", argv, environment);
  _exit(9);
}
