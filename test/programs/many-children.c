/* N children that end by themselves and N orphans that do; its own exit code is 42. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int count = argc > 1 ? atoi(argv[1]) : 10;
  for (int i = 0; i < count; i++) {
    if (fork() == 0) _exit(i % 7);
    pid_t middle = fork();
    if (middle == 0) {
      if (fork() == 0) {
        usleep(1000 * (i % 50));
        _exit(i % 5);
      }
      _exit(0);
    }
  }
  while (wait(NULL) > 0) {
  }
  return 42;
}
