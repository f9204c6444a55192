/* Kinds that differ in how the last process is made: who is whose child, thread or sibling. Each only hides
   it; main ends when it was seen. */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void child(void) { elsewhere(last); }

static void middle(void) {
  setsid();
  elsewhere(last);
}
static void double_fork(void) { elsewhere(middle); }

static void bare_last(void) {
  clearenv();
  for (int fd = 0; fd < 256; fd++) close(fd);
  again("last", (char *[]){NULL});
}
static void bare_middle(void) {
  setsid();
  elsewhere(bare_last);
}
static void bare(void) { elsewhere(bare_middle); }

static void nobody(void) { _exit(0); }
static void empty_middle(void) { elsewhere(nobody); }
static void storm(void) {
  for (int i = 0; i < 499; i++) waitpid(elsewhere(empty_middle), NULL, 0);
  elsewhere(bare_middle);
}

static void stop_last(void) {
  stamp();
  raise(SIGSTOP);
  last();
}
static void stopped(void) {
  int status;
  waitpid(elsewhere(stop_last), &status, WUNTRACED);
}

/* One waits for the end of its input, which comes when the other ends. */
static int ends[2];
static void reader(void) {
  char byte;
  close(ends[1]);
  read(ends[0], &byte, 1);
  stamp();
}
static void read_on(void) {
  pipe(ends);
  elsewhere(reader);
  close(ends[0]);
  elsewhere(last);
}

static int started(void *deed) {
  ((void (*)(void))deed)();
  return 0;
}
static void clone_with(int flags) { clone(started, (char *)malloc(1 << 20) + (1 << 20), flags, (void *)last); }
static void sibling(void) { clone_with(CLONE_PARENT | SIGCHLD); }
static void silent(void) { clone_with(0); }
static void silent_sibling(void) { clone_with(CLONE_PARENT); }
static void odd_signal(void) { clone_with(SIGUSR2); }
static void shared_memory(void) { clone_with(CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD); }

static void leave_leader(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, linger, NULL);
  pthread_exit(NULL);
}
static void leader(void) { elsewhere(leave_leader); }

static void *fork_in_thread(void *nothing) {
  double_fork();
  return nothing;
}
static void thread_forks(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, fork_in_thread, NULL);
}

static void *exec_in_thread(void *nothing) {
  again("last", environ);
  return nothing;
}
static void thread_execs_last(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, exec_in_thread, NULL);
  pause();
}
static void thread_execs(void) { elsewhere(thread_execs_last); }

/* The first process of a pid namespace hides, with a child; if it ended, the kernel would end both. */
static void first_of_namespace(void) {
  middle();
  last();
}
static void namespace_middle(void) {
  if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) _exit(9);
  elsewhere(first_of_namespace);
}
static void namespaces(void) { elsewhere(namespace_middle); }

static void vforked(void) {
  if (vfork() == 0) again("last", environ);
}

static void own_reaper_middle(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  double_fork();
  usleep(5000);
}
static void own_reaper(void) { elsewhere(own_reaper_middle); }

static void chain_link(int left) {
  if (left == 0) last();
  if (fork() == 0) chain_link(left - 1);
  last();
}
static void chain_first(void) { chain_link(60); }
static void chain(void) { elsewhere(chain_first); }
