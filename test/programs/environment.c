/* Its whole environment, byte for byte, sorted, each entry ended by a NUL. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

int main(void) {
  size_t count = 0;
  while (environ[count]) count++;
  qsort(environ, count, sizeof *environ, compare);
  for (size_t i = 0; i < count; i++) fwrite(environ[i], 1, strlen(environ[i]) + 1, stdout);
  return 0;
}
