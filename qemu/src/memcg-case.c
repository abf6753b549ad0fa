// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs one case: a memory group, a workload in it on all CPUs, samples of the group's files on an
 * absolute timetable, and what becomes of the group when the workload is gone. Says it on stdout,
 * one JSON object a line (harness/memcg/record.py). Uses no system call younger than 2.6.27.
 *
 * memcg-case --iface v1|v2 --mount DIR --group NAME --limit BYTES --seconds S --interval MS
 *            --workers N --settle S --seed N --dir DIR --files A,B,C [--keep] [--own] -- PROGRAM [ARG...]
 *
 * --own: the workers stay outside of the group and make groups of their own below it.
 * --keep: the group is removed with all that the workload has left in it (page cache of its files);
 * without it everything is taken back first, and what stays charged is a fault.
 *
 * Exit: 0 the case was run, 1 it was not (an "error" record says why), 2 wrong usage.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "case-group.h"
#include "case-host.h"
#include "case-io.h"
#include "case-stuck.h"
#include "case-workers.h"

/* A worker that swaps under emulation can take this long to see that its time is up. */
#define GRACE_MS 30000
/* Who sleeps for so long beyond that, unasked for, will not wake. */
#define STUCK_MS 4000
/* SIGTERM to SIGKILL: time for a workload to remove its files. */
#define TERM_MS 3000
/* How long usage must not change to be at rest where nothing is charged but what the kernel names. */
#define EMPTY_MS 350
/* How long usage must not change to be at rest else: above FLUSH_TIME, 2 s, of mm/memcontrol.c. */
#define STILL_MS 2500
#define POLL_MS 20
/* With groups below: so many looks after the workload, so far apart. */
#define EXIT_LOOKS 3
#define EXIT_PAUSE_US 100000
/*
 * What RCU frees after a grace period goes back into the per-CPU stock, behind the drain that went
 * before: once usage has stood still for this long, it is drained again.
 */
#define DRAIN_MS 500
/* What a group that is removed with its pages is given to die; in 2008 rmdir took them from it at once. */
#define FULL_MS 2000

struct options {
	struct group group;
	struct crew crew;
	const char *name;
	long long limit;
	double interval; /* ms */
	double settle;	 /* ms */
	bool keep;
	bool own;
};

static volatile sig_atomic_t cancelled;

static void cancel(int sign)
{
	(void)sign;
	cancelled = 1;
}

static void child_ended(int sign)
{
	(void)sign;
}

/* The SSH channel going away must not leave workers or the group behind. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = cancel };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	action.sa_handler = child_ended; /* no SA_RESTART: it ends poll() */
	sigaction(SIGCHLD, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void say_marker(const char *name, const char *what)
{
	char line[160];

	snprintf(line, sizeof(line), "<1>memcg-harness: case %s %s\n", name, what);
	file_write("/dev/kmsg", line);
}

static int count_nodes(void)
{
	DIR *dir = opendir("/sys/devices/system/node");
	struct dirent *entry;
	int count = 0, number;

	if (!dir)
		return 1;
	while ((entry = readdir(dir)))
		count += sscanf(entry->d_name, "node%d", &number) == 1;
	closedir(dir);
	return count ? count : 1;
}

static void say_begin(const struct options *options)
{
	json_open("begin");
	json_text("iface", options->group.v2 ? "v2" : "v1");
	json_text("group", options->name);
	json_long("cpus", sysconf(_SC_NPROCESSORS_ONLN));
	json_long("nodes", count_nodes());
	json_long("page_size", sysconf(_SC_PAGESIZE));
	json_long("limit", options->limit);
	json_real("seconds", options->crew.seconds);
	json_long("workers", options->crew.count);
	json_long("seed", options->crew.seed);
	json_long("kept", options->keep);
	json_long("own", options->own);
	json_close();
}

/* SIGTERM, then SIGKILL. Samples go on: what the group does meanwhile is evidence too. */
static void end_crew(struct options *options)
{
	crew_kill(&options->crew, SIGTERM);
	if (crew_watch(&options->crew, case_ms() + TERM_MS)) {
		crew_kill(&options->crew, SIGKILL);
		for (double until = case_ms() + TERM_MS; case_ms() < until;)
			if (!crew_watch(&options->crew, until))
				return;
	}
}

static bool run_crew(struct options *options)
{
	double end = case_ms() + options->crew.seconds * 1e3 + GRACE_MS;
	double next = case_ms();
	int error = crew_start(&options->crew);

	if (error) {
		say_fault("fork", error, strerror(error));
		cancelled = 1;
	}
	while (crew_watch(&options->crew, next)) {
		if (cancelled || !json_heard() || case_ms() > end)
			break;
		if (case_ms() < next)
			continue;
		group_sample(&options->group, "run");
		while (next <= case_ms())
			next += options->interval;
	}
	if (crew_watch(&options->crew, 0)) {
		if (!cancelled && json_heard()) {
			say_fault("workload", ETIMEDOUT, "did not end in time and was killed");
			stuck_say(&options->crew, STUCK_MS);
		}
		end_crew(options);
		error = ETIMEDOUT;
	}
	crew_say(&options->crew);
	return !error;
}

/* What a killed worker left: tmpfs files would hold the group's memory for ever. */
static void clear_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[512];

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		unlink(name);
	}
	closedir(dir);
}

static void rest(const struct options *options)
{
	double until = case_ms() + options->settle, since = case_ms(), next = case_ms();
	struct level now, last = { -1, -1 };
	bool drained = false;

	while (!cancelled && json_heard()) {
		group_sample(&options->group, "rest");
		now = group_level(&options->group);
		if (now.usage != last.usage)
			since = case_ms();
		last = now;
		if (case_ms() - since >= (now.usage <= now.kernel ? EMPTY_MS : STILL_MS) || case_ms() >= until)
			return;
		if (now.usage > now.kernel && !drained && case_ms() - since >= DRAIN_MS) {
			group_drain(&options->group);
			drained = true;
		}
		while (next <= case_ms())
			next += options->interval;
		case_sleep_until(next);
	}
}

/* A removed group dies when its last charge and reference are gone; that takes an RCU period or two. */
static struct host wait_for_host(const struct options *options, struct host before, double longest)
{
	double until = case_ms() + longest;
	struct host now = host_read(&options->group);

	while ((now.cgroups > before.cgroups || now.dying > before.dying) && case_ms() < until && !cancelled &&
	       json_heard()) {
		case_sleep_until(case_ms() + POLL_MS);
		now = host_read(&options->group);
	}
	return now;
}

/*
 * The files of a group are read one after the other, and RCU still frees what tasks had: usage and kernel
 * memory may be read on both sides of that. One look is not enough; what is lost is in all of them.
 */
static void sample_exit(const struct options *options)
{
	group_sample(&options->group, "exit");
	for (int look = 1; look < EXIT_LOOKS; look++) {
		usleep(EXIT_PAUSE_US);
		group_sample(&options->group, "exit");
	}
}

/* With all that the workload has left: what the group is charged for is the kernel's to deal with. */
static void remove_full(const struct options *options)
{
	sample_exit(options);
	if (group_level(&options->group).usage == 0)
		say_fault("keep", 0, "the workload left nothing charged, so that removing the group shows nothing");
	group_remove(&options->group, case_ms() + options->settle);
}

/* 0 or an errno; what the group is for is then known to be there. */
static int set_up(const struct options *options)
{
	int error = group_make(&options->group, options->limit);

	if (!error && options->own)
		error = group_open_below(&options->group);
	if (error) {
		say_fault("group", error, strerror(error));
	} else if (mkdir(options->crew.dir, 0700) && errno != EEXIST) {
		error = errno;
		say_fault("directory", error, strerror(error));
	}
	return error;
}

/* Also when it was cancelled: what stays charged keeps the group from dying. */
static void empty_and_remove(const struct options *options, bool ran)
{
	sample_exit(options);
	group_empty(&options->group);
	group_remove_below(&options->group, case_ms() + options->settle);
	if (ran) {
		rest(options);
		host_say("rest", &options->group, host_read(&options->group));
	}
	group_remove(&options->group, case_ms() + options->settle);
}

static int run_case(struct options *options)
{
	struct host before = host_read(&options->group);
	int error;
	bool ran, full;

	host_say("before", &options->group, before);
	error = set_up(options);
	if (!error)
		group_sample(&options->group, "born");
	ran = !error && run_crew(options);
	full = ran && options->keep;
	if (cancelled)
		say_fault("cancel", EINTR, "ended by a signal before its time");
	if (full)
		remove_full(options);
	clear_directory(options->crew.dir);
	rmdir(options->crew.dir);
	if (full)
		host_empty(); /* or what is left of the group lives on with its pages */
	else if (error != EEXIST)
		empty_and_remove(options, ran);
	/* From 2.6.30 on one page that somebody else uses may keep a group that was removed full for ever. */
	host_say("after", &options->group,
		 wait_for_host(options, before, full && options->settle > FULL_MS ? FULL_MS : options->settle));
	return ran ? 0 : 1;
}

static void split_files(struct group *group, char *list)
{
	char *save = NULL, *name;

	for (name = strtok_r(list, ",", &save); name; name = strtok_r(NULL, ",", &save))
		if (group->file_count < MAX_FILES && !strchr(name, '/'))
			group->files[group->file_count++] = name;
}

static const struct option known[] = {
	{ "iface", required_argument, NULL, 'i' },   { "mount", required_argument, NULL, 'm' },
	{ "group", required_argument, NULL, 'g' },   { "limit", required_argument, NULL, 'l' },
	{ "seconds", required_argument, NULL, 's' }, { "interval", required_argument, NULL, 't' },
	{ "workers", required_argument, NULL, 'w' }, { "settle", required_argument, NULL, 'e' },
	{ "seed", required_argument, NULL, 'r' },    { "dir", required_argument, NULL, 'd' },
	{ "files", required_argument, NULL, 'f' },   { "keep", no_argument, NULL, 'k' },
	{ "own", no_argument, NULL, 'o' },	     { 0 },
};

static void take_option(struct options *options, int option, char *value)
{
	switch (option) {
	case 'i': options->group.v2 = !strcmp(value, "v2"); break;
	case 'm': options->group.mount = value; break;
	case 'g': options->name = value; break;
	case 'l': options->limit = atoll(value); break;
	case 's': options->crew.seconds = atof(value); break;
	case 't': options->interval = atof(value); break;
	case 'w': options->crew.count = atoi(value); break;
	case 'e': options->settle = atof(value) * 1e3; break;
	case 'r': options->crew.seed = atoll(value); break;
	case 'd': options->crew.dir = value; break;
	case 'k': options->keep = true; break;
	case 'o': options->own = true; break;
	case 'f': split_files(&options->group, value); break;
	default: exit(2);
	}
}

static bool usable(const struct options *options)
{
	return options->group.mount && options->name && !strchr(options->name, '/') && options->crew.dir &&
	       options->crew.argv[0] && options->crew.count >= 1 && options->crew.count <= MAX_WORKERS &&
	       options->crew.seconds > 0 && options->interval >= 1 && options->settle >= 0;
}

int main(int argc, char **argv)
{
	static struct options options;
	static char dir[512];
	int option, code;

	options.interval = 100;
	options.settle = 10000;
	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1)
		take_option(&options, option, optarg);
	options.crew.argv = argv + optind;
	if (!usable(&options)) {
		fprintf(stderr, "memcg-case: wrong usage; see the head of memcg-case.c\n");
		return 2;
	}
	/* A directory of the case's own, so that all in it can be removed afterwards. */
	snprintf(dir, sizeof(dir), "%s/memcg-case-%s", options.crew.dir, options.name);
	options.crew.dir = dir;
	group_name(&options.group, options.name);
	options.crew.attach = options.own ? NULL : options.group.attach;
	options.crew.group = options.group.path;
	options.crew.iface = options.group.v2 ? "v2" : "v1";
	catch_signals();
	say_begin(&options);
	if (group_is_mounted(&options.group)) {
		say_marker(options.name, "begin");
		code = run_case(&options);
		say_marker(options.name, "end");
	} else {
		say_fault("mount", ENODEV, "no cgroup file system is mounted there; the console says what the kernel lacks");
		code = 1;
	}
	json_open("end");
	json_real("ms", case_ms());
	json_close();
	return code;
}
