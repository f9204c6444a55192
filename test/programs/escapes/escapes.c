/* Ways out of a process tree: escapes KIND STAMPS LINGER_MS
   The first process of each kind ends as soon as the last one hides, with status 3. The last one lives
   LINGER_MS and appends the time (CLOCK_REALTIME, microseconds) to the file STAMPS every 2 ms, at last
   right before it ends, so that the file tells until when there was somebody. "last" is only that. */
#define _GNU_SOURCE
#include <string.h>

#include "stamps.h"
#include "relations.h"
#include "manners.h"

static const struct {
  const char *name;
  void (*deed)(void);
} kinds[] = {
    {"last", last}, {"hop", hop}, {"child", child}, {"double-fork", double_fork}, {"bare", bare}, {"storm", storm},
    {"stopped", stopped}, {"reader", read_on}, {"sibling", sibling}, {"silent", silent},
    {"silent-sibling", silent_sibling}, {"odd-signal", odd_signal}, {"shared-memory", shared_memory},
    {"leader", leader}, {"thread-forks", thread_forks}, {"thread-execs", thread_execs}, {"hostile", hostile},
    {"namespaces", namespaces}, {"refork", refork}, {"spin", spin}, {"hops", hops}, {"pid-reuse", pid_reuse},
    {"other-uid", other_uid}, {"vforked", vforked}, {"own-reaper", own_reaper}, {"unreaped", unreaped},
    {"deaf", deaf}, {"phoenix", phoenix}, {"chain", chain}, {"traced", traced}, {"killed-root", killed_root},
};

int main(int count, char **arguments) {
  words = arguments;
  if (count != 4) return 2;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(kinds[i].name, words[1]) != 0) continue;
    kinds[i].deed();
    seen();
    return 3;
  }
  return 2;
}
