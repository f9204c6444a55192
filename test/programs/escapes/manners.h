/* Kinds that differ in what the last process does: its name, its signals, its pid, its user. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static void hostile_last(void) {
  prctl(PR_SET_NAME, "a) R 1 1 1 0");
  last();
}
static void hostile(void) { elsewhere(hostile_last); }

static void all_signals(void (*disposition)(int)) {
  for (int number = 1; number < NSIG; number++) signal(number, disposition);
}

/* Every 5 ms: a new session, a child goes on, the parent leaves. */
static void refork_last(void) {
  long end = now(CLOCK_MONOTONIC) + LINGER_MS * 1000;
  all_signals(SIG_IGN);
  while (now(CLOCK_MONOTONIC) < end) {
    stamp();
    setsid();
    usleep(5000);
    if (fork() > 0) _exit(0);
  }
  stamp();
  attempt();
}
/* The same without a pause. */
static void spin_last(void) {
  long end = now(CLOCK_MONOTONIC) + LINGER_MS * 1000;
  all_signals(SIG_IGN);
  while (now(CLOCK_MONOTONIC) < end) {
    stamp();
    setsid();
    if (fork() > 0) _exit(0);
  }
  stamp();
  attempt();
}
static void spin(void) { elsewhere(spin_last); }

static void refork(void) { elsewhere(refork_last); }

/* The same, but every hop is a new program without an environment. */
static void hop(void) {
  char rest[32];
  all_signals(SIG_IGN);
  stamp();
  setsid();
  usleep(5000);
  if (LINGER_MS <= 0) {
    attempt();
    _exit(0);
  }
  if (fork() > 0) _exit(0);
  snprintf(rest, sizeof rest, "%ld", LINGER_MS - 5);
  words[3] = rest;
  again("hop", (char *[]){NULL});
}
static void hops(void) { elsewhere(hop); }

/* Its successor takes the pid of one that was there before; for root, best in a pid namespace of its own. */
static void pid_reuse_middle(void) {
  pid_t before = elsewhere(nobody);
  waitpid(before, NULL, 0);
  for (int attempt = 0; attempt < 1000; attempt++) {
    int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);
    dprintf(file, "%d", before - 1);
    close(file);
    pid_t child = fork();
    if (child == 0 && getpid() == before) last();
    if (child == 0 || child == before) _exit(0);
    waitpid(child, NULL, 0);
  }
}
static void pid_reuse(void) { elsewhere(pid_reuse_middle); }

static void other_uid_last(void) {
  setresgid(65533, 65533, 65533);
  if (setresuid(65533, 65533, 65533) != 0) _exit(9);
  last();
}
static void other_uid(void) { elsewhere(other_uid_last); }

static void unreaped_last(void) {
  for (int i = 0; i < 20; i++) elsewhere(nobody);
  last();
}
static void unreaped(void) { elsewhere(unreaped_last); }

static void deaf_last(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  all_signals(SIG_IGN);
  last();
}
static void deaf(void) { elsewhere(deaf_last); }

/* Who is told to end leaves a successor that takes no TERM. */
static void rise(int number) {
  if (fork() == 0) deaf_last();
  _exit(number);
}
static void phoenix_last(void) {
  signal(SIGTERM, rise);
  last();
}
static void phoenix(void) { elsewhere(phoenix_last); }

/* One is traced by another, which also takes its end from whoever else waits for it. */
static void trace_parent(void) {
  ptrace(PTRACE_SEIZE, getppid(), NULL, NULL);
  last();
}
static void traced_last(void) {
  elsewhere(trace_parent);
  last();
}
static void traced(void) { elsewhere(traced_last); }

static void killed_root(void) {
  double_fork();
  seen();
  raise(SIGKILL);
}
