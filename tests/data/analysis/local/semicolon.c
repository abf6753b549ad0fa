// SPDX-License-Identifier: GPL-2.0-only
#define TESTFLAG(uname, lname) \
static inline int Flag##uname(struct item *item) \
	{ return test_bit(Flag_##lname, &item->flags); }
#define FORGET(item) forget(item); /* finds: macro-semicolon */
#define QUIET_TWO(item) do { forget(item); leave(item); } while (0)
#define QUIET_VALUE(item) take(item)

TESTFLAG(Old, OLD); /* finds: stray-semicolon */
TESTFLAG(New, NEW)
QUIET_DECLARE(item);

int empty(struct item *item)
{
	int i;

	if (item->count > 3); /* finds: empty-body */
		return 1;
	if (item->dirty) /* nothing to do for these */ ;
	for (i = 0; i < 3; i++); /* finds: empty-body */
	{
		work(item, i);
	}
	return 0;
}

int quiet(struct item *item)
{
	int i;

	if (item->count)
		;
	else
		work(item, 0);
	for (i = 0; item[i].used; i++)
		;
	while (trylock(item));
	for (; item->next; item = item->next);
	return i;
}
