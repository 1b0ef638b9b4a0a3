/* The ending of a noun behind its number: "1 shard", "2 shards". */
#pragma once

static inline const char *plural(long count)
{
	return count == 1 ? "" : "s";
}
