-- What /metrics shows of the whole installation, whichever process is asked. It may not see the rows, so what is
-- cheap is counted by functions that run as their owner, and what is not is taken by a sweep and kept.
CREATE TABLE sweeps (
    name             text PRIMARY KEY,
    interval_seconds double precision NOT NULL CHECK (interval_seconds > 0),
    finished_at      timestamptz NOT NULL DEFAULT house_now()
);
COMMENT ON TABLE sweeps IS 'When each sweep last ended well, and how often beat sends it';

CREATE TABLE figures (
    name     text NOT NULL,
    label    text NOT NULL DEFAULT '',
    value    double precision NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT house_now(),
    PRIMARY KEY (name, label)
);
COMMENT ON TABLE figures IS 'Sums over whole tables, such as the ledger''s, as a sweep last took them';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sweeps', 'figures'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', name);
        EXECUTE format('CREATE POLICY everybody_may_look ON %I FOR SELECT TO tovector_app USING (true)', name);
        EXECUTE format('CREATE POLICY every_row ON %I TO tovector_maintenance USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO tovector_app', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO tovector_maintenance', name);
    END LOOP;
END $$;

-- Each part reads a partial index of what is open now, so it costs what waits and not what has ever been.
CREATE FUNCTION live_figures() RETURNS TABLE (name text, label text, value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH waiting AS (
        SELECT kind::text AS line, run_at AS since FROM jobs WHERE status = 'queued' AND run_at <= house_now()
        UNION ALL
        SELECT 'resize', run_at FROM images
        WHERE status = 'processing' AND run_at <= house_now() AND (lease_until IS NULL OR lease_until < house_now())
    ), lines AS (
        SELECT unnest(enum_range(NULL::job_kind))::text AS line UNION ALL SELECT 'resize'
    ), queued AS (
        SELECT line, count(since) AS depth, coalesce(extract(epoch FROM house_now() - min(since)), 0) AS age
        FROM lines LEFT JOIN waiting USING (line) GROUP BY line
    ), running AS (
        SELECT kinds.kind::text AS kind, count(jobs.job_id) AS claimed,
            count(jobs.job_id) FILTER (WHERE jobs.lease_until < house_now()) AS expired
        FROM unnest(enum_range(NULL::job_kind)) AS kinds (kind)
        LEFT JOIN jobs ON jobs.kind = kinds.kind AND jobs.status = 'running'
        GROUP BY kinds.kind
    ), kept AS (
        SELECT providers.provider::text AS provider, count(inbox.event_id) FILTER (WHERE status = 'received') AS events,
            coalesce(extract(epoch FROM house_now() - min(received_at) FILTER (WHERE status = 'received')), 0) AS age,
            count(inbox.event_id) FILTER (WHERE status = 'set_aside') AS set_aside
        FROM unnest(enum_range(NULL::inbox_provider)) AS providers (provider)
        LEFT JOIN inbox ON inbox.provider = providers.provider AND inbox.status IN ('received', 'set_aside')
        GROUP BY providers.provider
    ), overdue AS (
        SELECT count(*) AS images, coalesce(extract(epoch FROM house_now() - min(expiry_timestamp)), 0) AS age
        FROM images WHERE objects_gone_at IS NULL AND expiry_timestamp < house_now()
    )
    SELECT 'queue_depth', line, depth::double precision FROM queued
    UNION ALL SELECT 'queue_oldest_seconds', line, age::double precision FROM queued
    UNION ALL SELECT 'jobs_running', kind, claimed::double precision FROM running
    UNION ALL SELECT 'leases_expired', kind, expired::double precision FROM running
    UNION ALL SELECT 'wakeups_waiting', '', count(*)::double precision FROM wakeups
    UNION ALL SELECT 'inbox_waiting', provider, events::double precision FROM kept
    UNION ALL SELECT 'inbox_oldest_seconds', provider, age::double precision FROM kept
    UNION ALL SELECT 'inbox_set_aside', provider, set_aside::double precision FROM kept
    UNION ALL SELECT 'images_overdue', '', images::double precision FROM overdue
    UNION ALL SELECT 'images_overdue_seconds', '', age::double precision FROM overdue
$$;
COMMENT ON FUNCTION live_figures() IS 'What waits, runs and is late now, in numbers that say nothing of anybody';
REVOKE ALL ON FUNCTION live_figures() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION live_figures() TO tovector_app, tovector_maintenance;
