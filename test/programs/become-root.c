/* Installed setuid root, as sudo is: whoever started it may not signal it. */
#include <unistd.h>

int main(void) {
  setuid(0);
  sleep(60);
  return 0;
}
