-- In: postgres
-- The program's memory: schema citus_init in database postgres, which Citus knows nothing of. Made
-- by the local set-up on every node; the coordinator writes all of it, on itself and on the
-- workers.
do $body$
begin
    create schema if not exists citus_init;

    -- Who this node is. admitted_start: the server's start for which the coordinator has seen who
    -- it is; shut: the state of a member for which the coordinator told it to serve nobody;
    -- abandon: the cluster that it is to abandon.
    create table if not exists citus_init.this_node (
        only_row boolean primary key default true check (only_row),
        cluster_id uuid not null,
        name text not null,
        since timestamptz not null default now(),
        admitted_start timestamptz,
        abandon uuid
    );
    alter table citus_init.this_node add column if not exists shut text;

    -- A managed database by its oid: one that was dropped and made again is another.
    create table if not exists citus_init.database (
        name text primary key,
        oid oid not null,
        incarnation uuid not null
    );

    -- The rest is the coordinator's.
    create table if not exists citus_init.cluster (
        only_row boolean primary key default true check (only_row),
        id uuid not null,
        minted_at timestamptz not null default now(),
        formed_at timestamptz
    );

    -- successor: the empty directory that is to take its place.
    create table if not exists citus_init.member (
        name text primary key,
        system_identifier text not null,
        intended_at timestamptz not null default now(),
        registered_at timestamptz,
        successor text
    );

    -- Directories that were lost and replaced: they must not come back.
    create table if not exists citus_init.superseded (
        system_identifier text primary key,
        name text not null,
        since timestamptz not null default now()
    );

    -- What operators have asked for; the agent carries it out.
    create table if not exists citus_init.wish (
        what text,
        argument text,
        detail text not null default '',
        made_at timestamptz not null default now(),
        primary key (what, argument)
    );

    -- Workers that are to abandon the cluster that their directory belongs to.
    create table if not exists citus_init.abandoning (
        name text primary key,
        cluster_id uuid not null
    );

    -- Epochs tell an older copy of a directory from the right one. The coordinator begins one on a
    -- member at each admission, and whenever something was written on either since the last one:
    -- it notes the id (next_id), the member takes it, the coordinator confirms. A copy is in an
    -- earlier epoch than the other side remembers, whatever has been written into it since.
    -- settled: see snapshot_after_this().
    alter table citus_init.this_node
        add column if not exists epoch bigint not null default 0,
        add column if not exists epoch_id uuid,
        add column if not exists settled text;
    alter table citus_init.cluster
        add column if not exists settled text;

    -- The addresses under which the coordinator and the members are registered: a set that has
    -- others is a copy, or was moved. Null in a cluster of before that has not confirmed them yet.
    alter table citus_init.cluster
        add column if not exists host text,
        add column if not exists port int;
    alter table citus_init.member
        add column if not exists host text,
        add column if not exists port int;
    alter table citus_init.member
        add column if not exists epoch bigint not null default 0,
        add column if not exists epoch_id uuid,
        add column if not exists next_id uuid;

    -- The id that a copy, which is to live beside its original, is about to take.
    alter table citus_init.cluster
        add column if not exists next_id uuid;

    -- The start of the member's server for which it has been recognised (its time in seconds, as
    -- read_this_node.sql has it): the member reads it here, and lets the cluster in.
    alter table citus_init.member
        add column if not exists recognised_start text;

    -- What pg_current_snapshot() is after this transaction as long as no other one has written: a
    -- server of which it still holds has the same content. Null when others began to write meanwhile.
    -- WAL positions do not tell: an idle server writes WAL too (checkpoints, running transactions).
    create or replace function citus_init.snapshot_after_this() returns text language sql as $function$
        select case
            when next <> own then null
            when oldest = next then format('%s:%s:', own + 1, own + 1)
            else format('%s:%s:%s', oldest, own + 1, running)
        end
        from (
            select pg_catalog.pg_current_xact_id()::text::bigint as own,
                pg_catalog.split_part(snapshot, ':', 1)::bigint as oldest,
                pg_catalog.split_part(snapshot, ':', 2)::bigint as next,
                pg_catalog.split_part(snapshot, ':', 3) as running
            from (select pg_catalog.pg_current_snapshot()::text as snapshot) as taken
        ) as read
    $function$;
end
$body$;
