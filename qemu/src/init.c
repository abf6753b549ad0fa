// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the guest, on any kernel from 2.6.27 on. In C and not a script: each fork and exec
 * costs milliseconds under emulation. It says on the console, through /dev/kmsg (serial output from
 * user space can stall):
 *
 *	memcg-harness: init
 *	memcg-harness: lacks WHAT: CONFIG_X[, CONFIG_Y]		one line each, and it goes on
 *	memcg-harness: ready					dropbear listens
 *
 * Priority 1, because "quiet" hides what is less urgent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST_KEY "/etc/dropbear/host_key"
#define DROPBEAR_LOG "/tmp/dropbear.log"
#define ADDRESS "10.0.2.15" /* what QEMU's user network forwards to */

static int kmsg = -1;

static void say(const char *format, ...)
{
	char line[256] = "<1>memcg-harness: ";
	size_t used = strlen(line);
	va_list args;

	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	va_end(args);
	strcat(line, "\n");
	if (write(kmsg, line, strlen(line)) < 0)
		return; /* there is nobody to tell */
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		errno = 0; /* what needs it says that it is missing */
	close(fd);
}

static int attach(const char *source, const char *target, const char *type, const char *data)
{
	mkdir(target, 0755);
	return mount(source, target, type, 0, data);
}

static void make_nodes(void)
{
	static const struct {
		const char *path;
		int major, minor;
	} nodes[] = {
		{ "/dev/null", 1, 3 },	  { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 }, { "/dev/random", 1, 8 },
		{ "/dev/urandom", 1, 9 }, { "/dev/kmsg", 1, 11 }, { "/dev/tty", 5, 0 },	 { "/dev/console", 5, 1 },
		{ "/dev/ptmx", 5, 2 },	  { "/dev/ttyS0", 4, 64 },
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor));
}

static void mount_basics(void)
{
	if (attach("proc", "/proc", "proc", NULL))
		say("lacks proc: CONFIG_PROC_FS");
	/* Or all but ten messages in five seconds are dropped (4.8 and later). */
	put("/proc/sys/kernel/printk_devkmsg", "on\n");
	/* Emulated swapping blocks for seconds, not for so long. A guest is not given 120 s (2.6.25). */
	put("/proc/sys/kernel/hung_task_timeout_secs", "30\n");
	/* 60 s in 2.6.27; later kernels say so after 20. */
	put("/proc/sys/kernel/softlockup_thresh", "20\n");
	if (attach("sysfs", "/sys", "sysfs", NULL))
		say("lacks sysfs: CONFIG_SYSFS");
	if (attach("devtmpfs", "/dev", "devtmpfs", NULL)) /* 2.6.32; not needed */
		make_nodes();
	if (attach("devpts", "/dev/pts", "devpts", "mode=600"))
		say("lacks devpts: CONFIG_UNIX98_PTYS");
	if (attach("tmpfs", "/tmp", "tmpfs", NULL) | attach("tmpfs", "/dev/shm", "tmpfs", NULL))
		say("lacks tmpfs: CONFIG_TMPFS, CONFIG_SHMEM");
}

static void mount_groups(void)
{
	char line[2048] = "";
	int fd = open("/proc/cmdline", O_RDONLY);

	if (fd >= 0 && read(fd, line, sizeof(line) - 1) < 0)
		line[0] = 0;
	close(fd);
	if (strstr(line, "harness.iface=v1")) {
		if (!attach("memory", "/cg", "cgroup", "memory"))
			return;
		if (errno == ENODEV)
			say("lacks cgroup: CONFIG_CGROUPS");
		else /* renamed in 3.6, split in 6.11 */
			say("lacks memory controller v1: CONFIG_MEMCG, CONFIG_MEMCG_V1, CONFIG_CGROUP_MEM_RES_CTLR");
	} else if (strstr(line, "harness.iface=v2")) {
		if (attach("none", "/cg", "cgroup2", NULL)) {
			say("lacks cgroup2: CONFIG_CGROUPS");
			return;
		}
		put("/cg/cgroup.subtree_control", "+memory");
		fd = open("/cg/cgroup.subtree_control", O_RDONLY);
		memset(line, 0, sizeof(line));
		if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0 || !strstr(line, "memory"))
			say("lacks memory controller: CONFIG_MEMCG");
		close(fd);
	}
}

/* Make the node where devtmpfs has not: virtio-blk's major number is given out at run time. */
static int open_disk(const char *name, char *path, size_t size)
{
	char number[32] = "";
	unsigned major, minor;
	int fd;

	snprintf(path, size, "/sys/block/%s/dev", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	if (read(fd, number, sizeof(number) - 1) < 0)
		number[0] = 0;
	close(fd);
	snprintf(path, size, "/dev/%s", name);
	if (sscanf(number, "%u:%u", &major, &minor) == 2)
		mknod(path, S_IFBLK | 0600, makedev(major, minor));
	return open(path, O_RDONLY);
}

static void use_swap(const char *path)
{
	if (swapon(path, 0))
		say(errno == ENOSYS ? "lacks swap: CONFIG_SWAP" : "lacks swap: swapon %s: %s", path, strerror(errno));
}

static void use_scratch(const char *path)
{
	mkdir("/scratch", 0755);
	/* The newer driver serves ext2 where the older is left out. */
	if (mount(path, "/scratch", "ext2", 0, NULL) && mount(path, "/scratch", "ext4", 0, NULL))
		say("lacks ext2: CONFIG_EXT2_FS");
}

/* The disks are known by what is on them, not by their order. */
static void use_disks(void)
{
	static const char *const names[] = { "vda", "vdb", "vdc", "vdd" };
	static unsigned char head[4096];
	int swaps = 0, scratches = 0;
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int fd = open_disk(names[i], path, sizeof(path));

		if (fd < 0)
			continue;
		memset(head, 0, sizeof(head));
		if (read(fd, head, sizeof(head)) == sizeof(head)) {
			if (!memcmp(head + 4086, "SWAPSPACE2", 10) && !swaps++)
				use_swap(path);
			else if (head[1080] == 0x53 && head[1081] == 0xef && !scratches++)
				use_scratch(path);
		}
		close(fd);
	}
	if (!swaps)
		say("lacks swap disk: CONFIG_VIRTIO_BLK, CONFIG_VIRTIO_PCI");
	if (!scratches)
		say("lacks scratch disk: CONFIG_VIRTIO_BLK, CONFIG_VIRTIO_PCI");
}

static int set_address(int fd, int request, const char *name, const char *address)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&ifr.ifr_addr;

	strcpy(ifr.ifr_name, name);
	in->sin_family = AF_INET;
	inet_pton(AF_INET, address, &in->sin_addr);
	return ioctl(fd, request, &ifr);
}

static int bring_up(int fd, const char *name, const char *address, const char *mask)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP | IFF_RUNNING };

	strcpy(ifr.ifr_name, name);
	if (set_address(fd, SIOCSIFADDR, name, address) || set_address(fd, SIOCSIFNETMASK, name, mask))
		return -1;
	return ioctl(fd, SIOCSIFFLAGS, &ifr);
}

static void use_network(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0) {
		say("lacks IPv4: CONFIG_NET, CONFIG_INET");
		return;
	}
	bring_up(fd, "lo", "127.0.0.1", "255.0.0.0");
	if (bring_up(fd, "eth0", ADDRESS, "255.255.255.0"))
		say("lacks eth0: CONFIG_NETDEVICES, CONFIG_VIRTIO_NET, CONFIG_VIRTIO_PCI");
	close(fd);
}

/* Dropbear goes into the background once it listens; its first process ending well is that moment. */
static void start_dropbear(void)
{
	/* It makes a key of its own only when none was given: the harness then will not trust it. */
	char *given[] = { "dropbear", "-p", "22", "-r", HOST_KEY, NULL };
	char *invented[] = { "dropbear", "-p", "22", "-R", NULL };
	int status = -1, log;
	pid_t pid;

	mkdir("/var", 0755);
	mkdir("/var/run", 0755);
	pid = fork();
	if (!pid) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		log = open(DROPBEAR_LOG, O_WRONLY | O_CREAT | O_APPEND, 0600);
		dup2(open("/dev/null", O_RDWR), 0);
		dup2(log, 1);
		dup2(log, 2);
		execv("/bin/dropbear", access(HOST_KEY, R_OK) ? invented : given);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) == pid && status == 0)
		say("ready");
	else
		say("lacks dropbear: it did not start (status %#x, see " DROPBEAR_LOG ")", status);
}

/* What halt, poweroff and reboot of busybox ask of init. */
static void power(int sign)
{
	sync();
	reboot(sign == SIGTERM ? RB_AUTOBOOT : sign == SIGUSR1 ? RB_HALT_SYSTEM : RB_POWER_OFF);
}

int main(void)
{
	sigset_t set;

	mkdir("/dev", 0755);
	mknod("/dev/kmsg", S_IFCHR | 0600, makedev(1, 11));
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	say("init");
	umask(022);
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/root", 1);

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);

	mount_basics();
	mount_groups();
	use_disks();
	use_network();
	start_dropbear();
	for (;;) {
		int sign = sigwaitinfo(&set, NULL);

		if (sign == SIGCHLD)
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		else if (sign > 0)
			power(sign);
	}
}
