-- A look at each image: what kind it is and what suits it, offered in the editor before anything is paid.
--
-- The outbox is the image's own row and not a wake-up, because sweeps of an older version, which may still run for a
-- while, do not know the task. An image that they made ready is never due, and simply has none.
ALTER TABLE images
    ADD COLUMN analysis jsonb CHECK (jsonb_typeof(analysis) = 'object'),
    ADD COLUMN analyse_at timestamptz,
    ADD COLUMN analysis_attempts smallint NOT NULL DEFAULT 0 CHECK (analysis_attempts >= 0),
    ADD CONSTRAINT what_is_analysed_is_due_no_more CHECK (analysis IS NULL OR analyse_at IS NULL);
COMMENT ON COLUMN images.analysis IS 'What a look at the picture told (shared/suggestions.py); NULL before it, after a look that failed, and once the objects are gone';
COMMENT ON COLUMN images.analyse_at IS 'When the sweep sends for the next look, once the image is ready; NULL when there is nothing to look for';
COMMENT ON COLUMN images.analysis_attempts IS 'Counts the looks that were begun; after the last one the image stays without';
CREATE INDEX images_to_analyse ON images (analyse_at)
    WHERE status = 'ready' AND analyse_at IS NOT NULL AND deleted_at IS NULL;

-- Looks that are due are told of like all else that waits.
CREATE OR REPLACE FUNCTION live_figures() RETURNS TABLE (name text, label text, value double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH waiting AS (
        SELECT kind::text AS line, run_at AS since FROM jobs WHERE status = 'queued' AND run_at <= house_now()
        UNION ALL
        SELECT 'resize', run_at FROM images
        WHERE status = 'processing' AND run_at <= house_now() AND (lease_until IS NULL OR lease_until < house_now())
        UNION ALL
        SELECT 'analysis', upload_timestamp FROM images
        WHERE status = 'ready' AND analyse_at IS NOT NULL AND deleted_at IS NULL AND expiry_timestamp > house_now()
    ), lines AS (
        SELECT unnest(enum_range(NULL::job_kind))::text AS line UNION ALL VALUES ('resize'), ('analysis')
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
