/* Says "ready GROUP PID", then each signal that it gets, one a line; WINCH with the terminal's new
   ROWSxCOLUMNS. ALRM ends it with 7. What it says goes to stdout and, if there is one, to the file
   that is its argument. The signals of job control act on it as on any program. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int file = -1;

static void say(const char *format, ...) {
  char line[128];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line, format, values);
  va_end(values);
  if (file >= 0) write(file, line, length);
  write(1, line, length);
}

int main(int count, char **words) {
  static const struct { int number; const char *name; } told[] = {
    {SIGINT, "INT"}, {SIGQUIT, "QUIT"}, {SIGTERM, "TERM"}, {SIGHUP, "HUP"}, {SIGUSR1, "USR1"},
    {SIGUSR2, "USR2"}, {SIGWINCH, "WINCH"}, {SIGALRM, "ALRM"},
  };
  if (count > 1) file = open(words[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
  sigset_t set;
  sigemptyset(&set);
  for (unsigned i = 0; i < sizeof told / sizeof *told; i++) sigaddset(&set, told[i].number);
  sigprocmask(SIG_BLOCK, &set, NULL);
  say("ready %d %d\n", getpgrp(), getpid());
  for (;;) {
    int number = 0;
    if (sigwait(&set, &number) != 0) continue;
    for (unsigned i = 0; i < sizeof told / sizeof *told; i++) {
      if (told[i].number != number) continue;
      struct winsize size;
      if (number == SIGWINCH && ioctl(1, TIOCGWINSZ, &size) == 0) say("WINCH %dx%d\n", size.ws_row, size.ws_col);
      else say("%s\n", told[i].name);
    }
    if (number == SIGALRM) return 7;
  }
}
