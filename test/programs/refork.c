/* Every 5 ms: a new session, a child with another pid goes on, the parent leaves. TERM is ignored. */
#include <signal.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  time_t end = time(NULL) + 30;
  signal(SIGTERM, SIG_IGN);
  if (fork() != 0) return 0;
  while (time(NULL) < end) {
    setsid();
    usleep(5000);
    if (fork() > 0) _exit(0);
  }
  return 0;
}
