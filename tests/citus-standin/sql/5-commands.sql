-- Part of the stand-in for Citus that the tests of citus-init use; never for production.
--
-- Commands on many nodes, the views, the sizes, and what is only here to be called: background
-- jobs do not run, so what would start one refuses in words.

CREATE FUNCTION pg_catalog.master_run_on_worker(worker_name text[], port int[], command text[],
    parallel bool, OUT node_name text, OUT node_port int, OUT success bool, OUT result text)
RETURNS SETOF record LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    PERFORM citus_internal.check_version();
    FOR i IN 1 .. cardinality(worker_name) LOOP
        node_name := worker_name[i];
        node_port := port[i];
        SELECT t.success, t.result INTO success, result
        FROM citus_internal.remote_try(worker_name[i], port[i], command[i]) t;
        RETURN NEXT;
    END LOOP;
END $$;

CREATE FUNCTION pg_catalog.run_command_on_workers(command text, parallel bool DEFAULT true,
    OUT nodename text, OUT nodeport int, OUT success bool, OUT result text)
RETURNS SETOF record LANGUAGE sql AS $$
    SELECT r.* FROM (
        SELECT array_agg(node_name ORDER BY node_name, node_port) AS names,
            array_agg(node_port::int ORDER BY node_name, node_port) AS ports,
            array_agg($1) AS commands
        FROM pg_catalog.citus_get_active_worker_nodes()) AS n,
        pg_catalog.master_run_on_worker(names, ports, commands, $2) AS r
$$;

CREATE FUNCTION pg_catalog.run_command_on_all_nodes(command text, parallel bool DEFAULT true,
    give_warning_for_connection_errors bool DEFAULT false, OUT nodeid int, OUT success bool,
    OUT result text) RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A node that is in no catalog yet is still a node.
    FOR nodeid, success, result IN
        SELECT n.nodeid, r.success, r.result FROM (
            SELECT d.nodeid, d.nodename, d.nodeport FROM pg_dist_node d
            WHERE d.isactive AND d.noderole = 'primary'
            UNION ALL
            SELECT 0, current_setting('citus.local_hostname'), current_setting('port')::int
            WHERE NOT EXISTS (SELECT FROM pg_dist_node d WHERE d.isactive
                AND d.groupid = citus_internal.local_group())
            ORDER BY 2, 3) AS n,
            master_run_on_worker(ARRAY[n.nodename], ARRAY[n.nodeport], ARRAY[command], parallel)
                AS r
    LOOP
        IF give_warning_for_connection_errors AND NOT success THEN
            RAISE WARNING 'Error on node with node id %: %', nodeid, result;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

CREATE FUNCTION pg_catalog.run_command_on_coordinator(command text,
    give_warning_for_connection_errors bool DEFAULT false, OUT nodeid int, OUT success bool,
    OUT result text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT n.nodeid, r.success, r.result FROM pg_catalog.pg_dist_node n,
        pg_catalog.master_run_on_worker(ARRAY[nodename], ARRAY[nodeport], ARRAY[$1], false) AS r
    WHERE groupid = 0 AND noderole = 'primary'
$$;

CREATE FUNCTION pg_catalog.run_command_on_placements(table_name regclass, command text,
    parallel bool DEFAULT true, OUT nodename text, OUT nodeport int, OUT shardid bigint,
    OUT success bool, OUT result text) RETURNS SETOF record
LANGUAGE sql AS $$
    SELECT n.nodename, n.nodeport, s.shardid, r.success, r.result
    FROM pg_catalog.pg_dist_shard s
    JOIN pg_catalog.pg_dist_placement p USING (shardid)
    JOIN pg_catalog.pg_dist_node n ON n.groupid = p.groupid AND n.noderole = 'primary'
    CROSS JOIN LATERAL pg_catalog.master_run_on_worker(ARRAY[n.nodename], ARRAY[n.nodeport],
        ARRAY[replace($2, '%s', pg_catalog.shard_name($1, s.shardid))],
        $3) AS r
    WHERE s.logicalrelid = $1 ORDER BY 1, 2, 3
$$;

CREATE FUNCTION pg_catalog.run_command_on_shards(table_name regclass, command text,
    parallel bool DEFAULT true, OUT shardid bigint, OUT success bool, OUT result text)
RETURNS SETOF record LANGUAGE sql AS $$
    SELECT DISTINCT ON (shardid) shardid, success, result
    FROM pg_catalog.run_command_on_placements($1, $2, $3) ORDER BY shardid
$$;

CREATE FUNCTION pg_catalog.citus_check_cluster_node_health(OUT from_nodename text,
    OUT from_nodeport int, OUT to_nodename text, OUT to_nodeport int, OUT result bool)
RETURNS SETOF record LANGUAGE plpgsql STRICT AS $$
DECLARE
    answer record;
BEGIN
    FOR from_nodename, from_nodeport, to_nodename, to_nodeport IN
        SELECT f.nodename, f.nodeport, t.nodename, t.nodeport
        FROM pg_catalog.pg_dist_node f, pg_catalog.pg_dist_node t
        WHERE f.isactive AND f.noderole = 'primary' AND t.isactive AND t.noderole = 'primary'
        ORDER BY f.nodename, f.nodeport, t.nodename, t.nodeport
    LOOP
        answer := citus_internal.remote_try(from_nodename, from_nodeport,
            format('SELECT pg_catalog.citus_check_connection_to_node(%L, %s)', to_nodename,
                to_nodeport));
        IF NOT answer.success THEN
            RAISE WARNING '%', answer.result;
        END IF;
        result := CASE WHEN answer.success THEN answer.result::bool END;
        RETURN NEXT;
    END LOOP;
END $$;

-- The size of each placement, by a question to its node; a node that does not answer is missing.
CREATE FUNCTION citus_internal.placement_sizes(of_table regclass, size_function text)
RETURNS TABLE (shardid bigint, success bool, size bigint) LANGUAGE sql AS $$
    SELECT s.shardid, r.success, CASE WHEN r.success THEN r.result::bigint END
    FROM pg_catalog.pg_dist_shard s
    JOIN pg_catalog.pg_dist_placement p USING (shardid)
    JOIN pg_catalog.pg_dist_node n ON n.groupid = p.groupid AND n.noderole = 'primary'
    CROSS JOIN LATERAL citus_internal.remote_try(n.nodename, n.nodeport,
        format('SELECT pg_catalog.%I(%L)', size_function,
            pg_catalog.shard_name(s.logicalrelid, s.shardid, false))) AS r
    WHERE of_table IS NULL OR s.logicalrelid = of_table
$$;

CREATE FUNCTION pg_catalog.citus_shard_sizes(OUT shard_id int, OUT size bigint)
RETURNS SETOF record LANGUAGE sql STRICT AS $$
    SELECT shardid::int, size FROM citus_internal.placement_sizes(NULL, 'pg_total_relation_size')
    WHERE success
$$;

CREATE FUNCTION citus_internal.relation_size(of_table regclass, size_function text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
    ok bool;
BEGIN
    SELECT sum(size)::bigint, bool_and(success) INTO total, ok
    FROM citus_internal.placement_sizes(of_table, size_function);
    IF NOT ok THEN
        RAISE EXCEPTION 'cannot get the size because of a connection error'
            USING ERRCODE = '08006';
    ELSIF total IS NULL THEN
        RAISE EXCEPTION 'cannot calculate the size because relation % is not distributed',
            quote_literal(of_table::text) USING ERRCODE = '42P16';
    END IF;
    RETURN total;
END $$;

CREATE FUNCTION pg_catalog.citus_table_size(logicalrelid regclass) RETURNS bigint
LANGUAGE sql STRICT AS $$ SELECT citus_internal.relation_size($1, 'pg_table_size') $$;

CREATE FUNCTION pg_catalog.citus_relation_size(logicalrelid regclass) RETURNS bigint
LANGUAGE sql STRICT AS $$ SELECT citus_internal.relation_size($1, 'pg_relation_size') $$;

CREATE FUNCTION pg_catalog.citus_total_relation_size(logicalrelid regclass,
    fail_on_error bool DEFAULT true) RETURNS bigint
LANGUAGE sql STRICT AS $$ SELECT citus_internal.relation_size($1, 'pg_total_relation_size') $$;

CREATE FUNCTION citus_internal.table_type(p pg_catalog.pg_dist_partition) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE p.repmodel WHEN 't' THEN 'reference' ELSE 'distributed' END
$$;

-- The join with the sizes falls away when nobody asks for them: a count connects to no node.
CREATE VIEW citus.citus_shards AS
    SELECT s.logicalrelid AS table_name, s.shardid,
        shard_name(s.logicalrelid, s.shardid) AS shard_name,
        citus_internal.table_type(t) AS citus_table_type, t.colocationid AS colocation_id,
        n.nodename, n.nodeport, sizes.size AS shard_size
    FROM pg_dist_shard s
    JOIN pg_dist_placement p USING (shardid)
    JOIN pg_dist_node n ON n.groupid = p.groupid
    JOIN pg_dist_partition t USING (logicalrelid)
    LEFT JOIN (SELECT shard_id, max(size) AS size FROM citus_shard_sizes() GROUP BY 1) AS sizes
        ON sizes.shard_id = s.shardid
    WHERE p.shardstate = 1
    ORDER BY s.logicalrelid::text, s.shardid;

CREATE VIEW public.citus_tables AS
    SELECT p.logicalrelid AS table_name, citus_internal.table_type(p) AS citus_table_type,
        COALESCE(column_to_column_name(p.logicalrelid, p.partkey), '<none>')
            AS distribution_column,
        p.colocationid AS colocation_id, pg_size_pretty(sizes.size) AS table_size,
        (SELECT count(*) FROM pg_dist_shard s WHERE s.logicalrelid = p.logicalrelid)
            AS shard_count,
        pg_get_userbyid(c.relowner) AS table_owner, COALESCE(a.amname, 'heap') AS access_method
    FROM pg_dist_partition p
    JOIN pg_class c ON c.oid = p.logicalrelid
    LEFT JOIN pg_am a ON a.oid = c.relam
    JOIN (SELECT s.logicalrelid, sum(z.size) AS size FROM citus_shard_sizes() z
            JOIN pg_dist_shard s ON s.shardid = z.shard_id GROUP BY 1) AS sizes
        USING (logicalrelid)
    ORDER BY p.logicalrelid::text;

CREATE VIEW citus.citus_nodes AS
    SELECT nodename, nodeport,
        CASE groupid WHEN 0 THEN 'coordinator' ELSE 'worker' END AS role, isactive AS active
    FROM pg_dist_node;

ALTER VIEW citus.citus_shards SET SCHEMA pg_catalog;
ALTER VIEW citus.citus_nodes SET SCHEMA pg_catalog;
GRANT SELECT ON pg_catalog.citus_shards, public.citus_tables, pg_catalog.citus_nodes TO PUBLIC;

CREATE PROCEDURE pg_catalog.citus_finish_citus_upgrade() LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'already at the latest distributed schema version (%)',
        (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'citus');
END $$;

CREATE PROCEDURE pg_catalog.citus_cleanup_orphaned_resources() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM citus_internal.ensure_coordinator();
    DELETE FROM pg_catalog.pg_dist_cleanup;
END $$;

CREATE FUNCTION citus_internal.refuse(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM citus_internal.ensure_coordinator();
    RAISE EXCEPTION '% is not in the stand-in', what USING ERRCODE = '0A000';
END $$;

CREATE FUNCTION pg_catalog.citus_rebalance_start(rebalance_strategy name DEFAULT NULL,
    drain_only bool DEFAULT false, shard_transfer_mode citus.shard_transfer_mode DEFAULT 'auto',
    parallel_transfer_reference_tables bool DEFAULT false,
    parallel_transfer_colocated_shards bool DEFAULT false) RETURNS bigint
LANGUAGE sql AS $$ SELECT citus_internal.refuse('citus_rebalance_start'); SELECT 0::bigint $$;

CREATE FUNCTION pg_catalog.citus_rebalance_stop() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no ongoing rebalance that can be stopped' USING ERRCODE = 'XX000';
END $$;

CREATE FUNCTION pg_catalog.citus_rebalance_wait() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING 'no ongoing rebalance that can be waited on';
END $$;

CREATE FUNCTION pg_catalog.citus_rebalance_status(raw bool DEFAULT false)
RETURNS TABLE (job_id bigint, state citus_job_status, job_type name, description text,
    started_at timestamptz, finished_at timestamptz, details jsonb)
LANGUAGE sql STRICT AS $$
    SELECT j.*, jsonb_build_object('tasks', '[]'::jsonb, 'task_state_counts', '{}'::jsonb)
    FROM pg_catalog.pg_dist_background_job j WHERE j.job_type = 'rebalance'
    ORDER BY j.job_id DESC LIMIT 1
$$;

CREATE FUNCTION pg_catalog.citus_drain_node(nodename text, nodeport int,
    shard_transfer_mode citus.shard_transfer_mode DEFAULT 'auto',
    rebalance_strategy name DEFAULT NULL) RETURNS void
LANGUAGE sql AS $$ SELECT citus_internal.refuse('citus_drain_node') $$;
REVOKE ALL ON FUNCTION pg_catalog.citus_drain_node(text, int, citus.shard_transfer_mode, name)
    FROM PUBLIC;

CREATE FUNCTION pg_catalog.undistribute_table(table_name regclass,
    cascade_via_foreign_keys bool DEFAULT false) RETURNS void
LANGUAGE sql STRICT AS $$ SELECT citus_internal.refuse('undistribute_table') $$;
