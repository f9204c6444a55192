/* The first thread ends, the process lives on in another: it looks like a zombie. */
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static void *stay(void *nothing) {
  sleep(60);
  return nothing;
}

int main(void) {
  if (fork() != 0) {
    usleep(50000);
    return 0;
  }
  pthread_t thread;
  pthread_create(&thread, NULL, stay, NULL);
  pthread_exit(NULL);
}
