-- Whose turn it is: a message no longer means "work on this job" but "one job's worth of work": the
-- worker asks here which job that is. Accounts that run fewer jobs than their share come first, in the
-- order they came; accounts at their share come only when nobody else waits.
--
-- SECURITY DEFINER, because choosing between accounts needs to see all of them, while the worker may
-- only ever see the one it works for. Nothing but ids leaves this function.

CREATE FUNCTION claim_turn(
    wanted job_kind, lease_seconds double precision, max_attempts integer, share integer
) RETURNS TABLE (claimed_job_id uuid, claimed_user_id uuid)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    chosen uuid;
BEGIN
    WITH busy AS (
        SELECT user_id FROM jobs
        WHERE status = 'running' AND kind = wanted AND lease_until > house_now()
        GROUP BY user_id HAVING count(*) >= share
    )
    SELECT job_id INTO chosen FROM jobs
    WHERE status = 'queued' AND kind = wanted AND run_at <= house_now() AND attempts < max_attempts
    ORDER BY user_id IN (SELECT user_id FROM busy), run_at, job_id
    LIMIT 1 FOR UPDATE SKIP LOCKED;

    RETURN QUERY
        WITH claimed AS (
            UPDATE jobs SET status = 'running', attempts = attempts + 1, fence = fence + 1,
                lease_until = house_now() + make_interval(secs => lease_seconds),
                started_at = coalesce(started_at, house_now()), progress = 0, stage = 'started'
            WHERE job_id = chosen RETURNING job_id, user_id
        ), awake AS (
            DELETE FROM wakeups WHERE subject_id IN (SELECT job_id FROM claimed)
        )
        SELECT job_id, user_id FROM claimed;
END $$;
COMMENT ON FUNCTION claim_turn IS 'Claims the job whose turn it is; no row when none waits';
REVOKE ALL ON FUNCTION claim_turn FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_turn TO tovector_app, tovector_maintenance;

-- How long the line is, for refusing work before anything is reserved. Counts no further than `most`.
CREATE FUNCTION queue_state(wanted job_kind, most integer)
    RETURNS TABLE (depth integer, oldest_seconds double precision)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*)::integer, coalesce(extract(epoch FROM house_now() - min(run_at)), 0)::double precision
    FROM (
        SELECT run_at FROM jobs WHERE status = 'queued' AND kind = wanted AND run_at <= house_now()
        ORDER BY run_at LIMIT most
    ) AS waiting
$$;
COMMENT ON FUNCTION queue_state IS 'Jobs that wait and the age of the oldest in seconds';
REVOKE ALL ON FUNCTION queue_state FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue_state TO tovector_app, tovector_maintenance;
