/* Leaves a child that has stopped itself. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    sleep(60);
    _exit(0);
  }
  int status;
  waitpid(child, &status, WUNTRACED);
  return 0;
}
