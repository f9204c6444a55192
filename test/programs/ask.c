/* Asks a run for a secret through its socket (docs/formats/ask.md), in the ways that an attacker may try.
 *   get SOCKET NAME         connects, asks, prints the answer
 *   lend SOCKET PASS        connects, then gives the connection to who listens at PASS; stays until stdin ends
 *   borrow PASS NAME        listens at PASS, takes a connection there, asks through it, prints the answer
 *   bequeath SOCKET NAME F  connects and ends; a child asks through the connection once the file F is there
 *   become PID COMMAND...   forks until a child has this pid, which becomes COMMAND; waits for it
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_un address(const char *path) {
  struct sockaddr_un at = {.sun_family = AF_UNIX};
  strncpy(at.sun_path, path, sizeof at.sun_path - 1);
  return at;
}

static int reach(const char *path) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un at = address(path);
  if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
  close(fd);
  return -1;
}

static int reach_or_exit(const char *path) {
  int fd = reach(path);
  if (fd < 0) {
    perror("connect");
    exit(1);
  }
  return fd;
}

static int ask(int fd, const char *name) {
  char line[4096];
  int length = snprintf(line, sizeof line, "{\"v\":1,\"get\":\"%s\"}\n", name);
  send(fd, line, length, MSG_NOSIGNAL);
  for (ssize_t got; (got = read(fd, line, sizeof line)) > 0;) write(1, line, got);
  return 0;
}

static void give(int through, int fd) {
  char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec bytes = {&byte, 1};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  sendmsg(through, &message, 0);
}

static int take(int through) {
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec bytes = {&byte, 1};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int fd = -1;
  if (recvmsg(through, &message, 0) > 0) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static int lend(const char *socket_path, const char *pass) {
  int fd = reach_or_exit(socket_path), through;
  while ((through = reach(pass)) < 0) usleep(10000);
  give(through, fd);
  char byte;
  while (read(0, &byte, 1) > 0) {}
  return 0;
}

static int borrow(const char *pass, const char *name) {
  int server = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un at = address(pass);
  if (bind(server, (struct sockaddr *)&at, sizeof at) != 0 || listen(server, 1) != 0) return 1;
  return ask(take(accept(server, NULL, NULL)), name);
}

static int bequeath(const char *socket_path, const char *name, const char *file) {
  int fd = reach_or_exit(socket_path);
  if (fork() != 0) return 0;
  while (access(file, F_OK) != 0) {
    // The test is over, and the file never comes.
    if (access(socket_path, F_OK) != 0) return 1;
    usleep(10000);
  }
  return ask(fd, name);
}

static int become(int pid, char **command) {
  for (int attempt = 0; attempt < 1000; attempt++) {
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);
    if (dprintf(fd, "%d", pid - 1) < 0) return 1;
    close(fd);
    int child = fork();
    if (child == 0) {
      if (getpid() != pid) _exit(0);
      execvp(command[0], command);
      _exit(1);
    }
    waitpid(child, NULL, 0);
    if (child == pid) return 0;
  }
  return 1;
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  if (!strcmp(mode, "get") && argc == 4) return ask(reach_or_exit(argv[2]), argv[3]);
  if (!strcmp(mode, "lend") && argc == 4) return lend(argv[2], argv[3]);
  if (!strcmp(mode, "borrow") && argc == 4) return borrow(argv[2], argv[3]);
  if (!strcmp(mode, "bequeath") && argc == 5) return bequeath(argv[2], argv[3], argv[4]);
  if (!strcmp(mode, "become") && argc > 3) return become(atoi(argv[2]), argv + 3);
  return 2;
}
