// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.force_empty: the pages of a file that an ended task has left are taken from the group, with
 * nobody in it and while another task charges; what they hold stays right.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "work-group.h"
#include "work-tenant.h"
#include "work.h"

/* Two batches of reclaim (SWAP_CLUSTER_MAX): what another CPU may just have off the lists. */
#define RECLAIMED 64LL

static char group[GROUP_PATH], file[512], page[PAGE];
static struct tenant tenant;
static size_t left;

static void job(int order, size_t value)
{
	int fd;

	if (order != TENANT_OWN) {
		tenant_obey(order, value);
		return;
	}
	fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (size_t at = 0; fd >= 0 && at < value; at++) {
		page_fill(page, work.worker, at, 1);
		if (write(fd, page, PAGE) != PAGE)
			work_wrong("write: %s", strerror(errno));
	}
	if (fd < 0 || fsync(fd)) /* or it is dirty, and stays */
		work_wrong("a file cannot be written: %s", strerror(errno));
	close(fd);
}

/* By a task that ends. The number of pages that it has left charged. */
static void leave_pages(void)
{
	left = 16 + work_random(4 * work.pages);
	tenant_start(&tenant, group, 1, job);
	tenant_do(&tenant, TENANT_OWN, left);
	tenant_end(&tenant);
	group_list_pages();
	work_note("pages_left", left);
}

static void check_file(void)
{
	int fd = open(file, O_RDONLY);

	for (size_t at = 0; at < left; at++) {
		if (fd < 0 || read(fd, page, PAGE) != PAGE) {
			work_wrong("page %zu of a file is gone: %s", at, strerror(errno));
			break;
		}
		page_check(page, work.worker, at, 1);
	}
	close(fd);
	work.did.bytes_read += left * PAGE;
}

/*
 * Nobody is in the group. 2.6.27 comes back when nothing is charged; later kernels reclaim until several
 * times nothing could be (mem_cgroup_force_empty(), 6.1), and clean pages on the lists can.
 */
static void empty_at_rest(void)
{
	long long held = (long long)left * PAGE, before = group_get(group, group_usage_file()), after;
	int error = group_put(group, "memory.force_empty", "1");

	after = group_get(group, group_usage_file());
	if (before < held)
		work_wrong("%zu pages of a file are left, usage is %lld", left, before);
	if (error)
		work_wrong("force_empty of a group without tasks: %s", strerror(-error));
	else if (after > (group_is_old() ? 0 : before - held + RECLAIMED * PAGE))
		work_wrong("force_empty of %zu pages: usage was %lld, is %lld", left, before, after);
	work_note("emptied", 1);
}

/* 2.6.27 refuses at once; later kernels take from the task what they can. */
static void empty_under_use(void)
{
	int error;

	tenant_start(&tenant, group, work.pages, job);
	tenant_do(&tenant, TENANT_FILL, 32 + work_random(work.pages / 2));
	tenant_order(&tenant, TENANT_SWEEP, 0);
	for (int times = 0; times < 3 && work_goes_on(); times++) {
		error = group_put(group, "memory.force_empty", "1");
		if (error != (group_is_old() ? -EBUSY : 0))
			work_wrong("force_empty of a group with a task: errno %d", -error);
		work_note(error ? "refused" : "emptied_under_use", 1);
	}
	tenant_do(&tenant, TENANT_CHECK, 0);
	tenant_end(&tenant);
}

static void remove_file(void)
{
	unlink(file);
}

int main(int argc, char **argv)
{
	work_begin(argc, argv);
	if (snprintf(file, sizeof(file), "%s/force-empty-%u", work.dir, work.worker) < (int)sizeof(file))
		work_cleanup = remove_file;
	group_make(group, "empty");
	while (work_goes_on() && !work.did.verify_errors) {
		leave_pages();
		if (work_random(2))
			empty_at_rest();
		empty_under_use();
		check_file();
		unlink(file);
		work.did.rounds++;
	}
	work_end();
}
