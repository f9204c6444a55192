/* clone(CLONE_PARENT): the new process is not its child but its parent's. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int stay(void *nothing) {
  (void)nothing;
  return (int)sleep(60);
}

int main(void) {
  char *stack = malloc(65536);
  return clone(stay, stack + 65536, CLONE_PARENT | SIGCHLD, NULL) < 0;
}
