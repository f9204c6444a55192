/*
 * What hasp.bash does, in C: made where there is a compiler, since bash alone takes a tenth of the time of a run.
 *
 * Starts Node on ../dist/hasp.cjs so that nothing in the environment acts on hasp and nothing is lost for the command
 * that it runs. Node obeys NODE_OPTIONS before the first line of any program, resets ignored signals and raises the
 * descriptor limit; so the facts are taken here and handed over, as hasp.bash says, in
 * __HASP_LAUNCHER, __HASP_IGNORED, __HASP_BLOCKED, __HASP_NOFILE, __HASP_FDS, __HASP_NEUTRALISED and __HASP_ENV_0 ...
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#else
#include <sys/auxv.h>
#endif

extern char **environ;

static const char *command = "";

static _Noreturn void fail(const char *what, const char *name, const char *rest) {
  fprintf(stderr, "hasp: %s%s%s\n", what, name, rest);
  exit(strcmp(command, "run") == 0 ? 125 : 1);
}

static void *room(size_t bytes) {
  void *made = malloc(bytes);
  if (made == NULL) fail("there is no memory", "", "");
  return made;
}

static char *text(const char *format, ...) {
  va_list given, again;
  va_start(given, format);
  va_copy(again, given);
  int length = vsnprintf(NULL, 0, format, given);
  char *made = room((size_t)length + 1);
  vsnprintf(made, (size_t)length + 1, format, again);
  va_end(given);
  va_end(again);
  return made;
}

static int starts(const char *word, const char *beginning) {
  return strncmp(word, beginning, strlen(beginning)) == 0;
}

/* What Node, OpenSSL, ICU or libuv would load or obey. */
static int obeyed(const char *entry) {
  return starts(entry, "NODE_") || starts(entry, "OPENSSL_") || starts(entry, "SSL_CERT_") || starts(entry, "ICU_") ||
         starts(entry, "UV_");
}

/* What could be taken for a fact of ours, or what the reader of these facts leaves out, since bash would have made it. */
static int kept(const char *entry) {
  return starts(entry, "__HASP_") || starts(entry, "LC_ALL=") || starts(entry, "PWD=") || starts(entry, "OLDPWD=") ||
         starts(entry, "SHLVL=") || starts(entry, "_=");
}

/* Of two entries with one name the first is the one that getenv(3) finds. */
static int repeats(char **entries, size_t at) {
  size_t name = (size_t)(strchr(entries[at], '=') - entries[at]) + 1;
  for (size_t earlier = 0; earlier < at; earlier++)
    if (strncmp(entries[earlier], entries[at], name) == 0) return 1;
  return 0;
}

static char *mask(int (*holds)(int)) {
  unsigned long long bits = 0;
  for (int number = 1; number <= 64; number++)
    if (holds(number)) bits |= 1ULL << (number - 1);
  return text("%016llx", bits);
}

static int is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static int is_blocked(int number) {
  sigset_t set;
  return sigprocmask(SIG_BLOCK, NULL, &set) == 0 && sigismember(&set, number) == 1;
}

static char *open_descriptors(const char *folder) {
  DIR *open = opendir(folder);
  if (open == NULL) return NULL;
  char *list = text("%s", "");
  for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
    char *end;
    long number = strtol(entry->d_name, &end, 10);
    if (end == entry->d_name || *end != '\0' || number == dirfd(open)) continue;
    char *longer = text("%s %ld", list, number);
    free(list);
    list = longer;
  }
  closedir(open);
  return list;
}

/* Links followed: npm links node_modules/.bin/hasp, and bin/hasp for a global install. */
static char *own_path(void) {
  char found[PATH_MAX];
#ifdef __APPLE__
  char given[PATH_MAX];
  uint32_t size = sizeof given;
  if (_NSGetExecutablePath(given, &size) != 0 || realpath(given, found) == NULL) fail("can't find itself", "", "");
#else
  const char *given = (const char *)getauxval(AT_EXECFN);
  if ((given == NULL || realpath(given, found) == NULL) && realpath("/proc/self/exe", found) == NULL)
    fail("can't find itself", "", "");
#endif
  return text("%s", found);
}

int main(int argc, char **argv) {
  command = argc > 1 ? argv[1] : "";

  size_t count = 0;
  while (environ[count] != NULL) count++;
  char **given = environ;
  char **handed = room((count + 8) * sizeof *handed);
  size_t filled = 0;
  int saved = 0;
  char *names = text("%s", "");

  handed[filled++] = text("__HASP_LAUNCHER=%ld", (long)getpid());
  for (size_t at = 0; at < count; at++) {
    const char *equals = strchr(given[at], '=');
    if (equals == NULL) continue; /* nobody could say what its value is */
    if (!obeyed(given[at]) && !kept(given[at])) {
      handed[filled++] = given[at];
      continue;
    }
    if (repeats(given, at)) continue;
    handed[filled++] = text("__HASP_ENV_%d=%s", saved++, given[at]);
    if (!obeyed(given[at])) continue;
    char *longer = text("%s %.*s", names, (int)(equals - given[at]), given[at]);
    free(names);
    names = longer;
  }

  handed[filled++] = text("__HASP_IGNORED=%s", mask(is_ignored));
  handed[filled++] = text("__HASP_BLOCKED=%s", mask(is_blocked));
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY)
    handed[filled++] = text("__HASP_NOFILE=%llu", (unsigned long long)files.rlim_cur);
  char *open = open_descriptors("/proc/self/fd");
  if (open == NULL) open = open_descriptors("/dev/fd");
  if (open != NULL) handed[filled++] = text("__HASP_FDS=%s", open);
  if (names[0] != '\0') handed[filled++] = text("__HASP_NEUTRALISED=%s", names);
  handed[filled] = NULL;

  char *folder = own_path();
  *strrchr(folder, '/') = '\0';
  char *entry = text("%s/../dist/hasp.cjs", folder);
  struct stat status;
  if (stat(entry, &status) != 0 || !S_ISREG(status.st_mode)) fail("not built: ", entry, " is missing");

  char **words = room(((size_t)argc + 4) * sizeof *words);
  size_t said = 0;
  words[said++] = "node";
  /* Until hasp's own handler stands, Node answers SIGUSR1 with a debugger for whoever connects first. It can't be told
   * not to; so it is told to listen at an address that no machine has (RFC 5737). */
  words[said++] = "--inspect-port=203.0.113.1:1024";
  /* A broker lives long and keeps little: with Node's own bounds what is young alone would take up 48 MB. */
  if (strcmp(command, "broker") == 0) words[said++] = "--max-semi-space-size=1";
  words[said++] = entry;
  for (int at = 1; at < argc; at++) words[said++] = argv[at];
  words[said] = NULL;

  environ = handed;
  execvp("node", words);
  if (errno == ENOENT) fail("needs Node.js 20 or later, and there is no node in PATH", "", "");
  fail("node could not be started", "", "");
}
