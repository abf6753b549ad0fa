// SPDX-License-Identifier: GPL-2.0-only
struct owner { int users; struct item *item; };

struct item *find(struct owner *owner)
{
	struct item *item;

	item = 0; /* finds: plain-integer-pointer */
	if (owner->item == 0) /* finds: plain-integer-pointer */
		return 0; /* finds: plain-integer-pointer */
	owner->item = 0; /* finds: plain-integer-pointer */
	if (!item)
		return -ENOENT; /* finds: plain-integer-pointer */
	return item;
}

struct item *quiet(struct owner *owner)
{
	struct item *item = NULL;
	int count = 0;

	owner->users = 0;
	count += work(owner);
	if (owner->users == 0 || count == 0)
		return ERR_PTR(-ENOENT);
	owner->item = NULL;
	*owner->table = 0;
	return item;
}

int quiet_number(void)
{
	return 0;
}
