/* Leaves a child whose name tries to look like the fields that follow it in /proc/PID/stat. */
#include <sys/prctl.h>
#include <unistd.h>

int main(void) {
  if (fork() != 0) {
    usleep(50000);
    return 0;
  }
  prctl(PR_SET_NAME, "a) R 1 1\n\x1b[1 0");
  sleep(60);
  return 0;
}
