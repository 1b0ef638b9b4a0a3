-- In: postgres
-- The program's memory: schema citus_init in database postgres, which Citus knows nothing of. Made
-- by the local set-up on every node; the coordinator writes all of it, on itself and on the
-- workers.
do $body$
begin
    create schema if not exists citus_init;

    -- Who this node is. admitted_start: the server's start for which the coordinator has seen who
    -- it is; shut: the state of a member for which the coordinator told it to serve nobody; abandon:
    -- the cluster that it is to abandon; coordinator_*: how far the coordinator's directory had
    -- come.
    create table if not exists citus_init.this_node (
        only_row boolean primary key default true check (only_row),
        cluster_id uuid not null,
        name text not null,
        since timestamptz not null default now(),
        admitted_start timestamptz,
        abandon uuid,
        coordinator_identifier text,
        coordinator_timeline integer,
        coordinator_lsn pg_lsn
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

    -- timeline, lsn: how far its directory had come when it was last seen; successor: the empty
    -- directory that is to take its place.
    create table if not exists citus_init.member (
        name text primary key,
        system_identifier text not null,
        intended_at timestamptz not null default now(),
        registered_at timestamptz,
        timeline integer,
        lsn pg_lsn,
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
end
$body$;
