-- The ends of what is only kept for a while: log-like tables by the day, and what the sweeps have removed.

CREATE TABLE removals (
    day     date NOT NULL,
    kind    text NOT NULL,
    removed bigint NOT NULL CHECK (removed >= 0),
    PRIMARY KEY (day, kind)
);
COMMENT ON TABLE removals IS 'How much of each kind retention has removed, by day';
ALTER TABLE removals ENABLE ROW LEVEL SECURITY;
ALTER TABLE removals FORCE ROW LEVEL SECURITY;
REVOKE ALL ON removals FROM PUBLIC;
CREATE POLICY every_row ON removals TO tovector_maintenance USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON removals TO tovector_maintenance;

------------------------------------------------------------------------------------------------
-- Partitions that are older than the period as a whole are dropped, which costs nothing; the rows of the month in
-- which the period ends are deleted, a bounded number at a time. Runs as the owner: only the owner may drop a
-- partition, and nobody else may remove an entry of the audit log. With `is_dry_run` it only counts.
CREATE FUNCTION prune_log_tables(keep_days integer, most integer, is_dry_run boolean)
    RETURNS TABLE (log_table text, partitions integer, pruned bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ends timestamptz := house_now() - make_interval(days => keep_days);
    parent record;
    part record;
    found bigint;
BEGIN
    IF keep_days < 30 THEN
        RAISE EXCEPTION 'log-like rows are kept for 30 days at least, not %', keep_days;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('prepare_partitions'));
    -- Dropping waits for whoever reads; whoever comes then waits behind it. So it gives up soon, and comes again.
    SET LOCAL lock_timeout = '2s';
    FOR parent IN
        SELECT c.oid, c.relname, a.attname
        FROM pg_class c JOIN pg_partitioned_table p ON p.partrelid = c.oid
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
        WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname
    LOOP
        log_table := parent.relname;
        partitions := 0;
        pruned := 0;
        FOR part IN
            SELECT c.relname,
                (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz AS upper
            FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
            WHERE i.inhparent = parent.oid ORDER BY c.relname
        LOOP
            CONTINUE WHEN part.upper IS NULL OR part.upper > ends;
            EXECUTE format('SELECT count(*) FROM %I', part.relname) INTO found;
            partitions := partitions + 1;
            pruned := pruned + found;
            IF NOT is_dry_run THEN
                EXECUTE format('DROP TABLE %I', part.relname);
            END IF;
        END LOOP;
        IF is_dry_run THEN
            EXECUTE format('SELECT count(*) FROM %I WHERE %I < $1', log_table, parent.attname) INTO pruned USING ends;
        ELSE
            EXECUTE format(
                'DELETE FROM %1$I WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM %1$I WHERE %2$I < $1 LIMIT $2)',
                log_table, parent.attname
            ) USING ends, most;
            GET DIAGNOSTICS found = ROW_COUNT;
            pruned := pruned + found;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION prune_log_tables(integer, integer, boolean) IS 'Drops or deletes what log-like tables hold beyond so many days';
REVOKE ALL ON FUNCTION prune_log_tables(integer, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_log_tables(integer, integer, boolean) TO tovector_maintenance;

------------------------------------------------------------------------------------------------
-- To lock what it deletes, so that two sweeps never wait for each other.
GRANT UPDATE (created_at) ON idempotency_keys TO tovector_maintenance;
CREATE INDEX inbox_handled_at ON inbox (handled_at) WHERE status <> 'received';
CREATE INDEX purchases_unpaid ON purchases (created_at) WHERE status IN ('expired', 'failed');
CREATE INDEX api_keys_revoked_at ON api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
