/* Leaves a grandchild in a session of its own; with "bare" it clears its environment and descriptors. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (fork() != 0) return 0;
  setsid();
  if (fork() != 0) return 0;
  if (argc > 1 && strcmp(argv[1], "bare") == 0) {
    clearenv();
    for (int fd = 0; fd < 64; fd++) close(fd);
  }
  sleep(60);
  return 0;
}
