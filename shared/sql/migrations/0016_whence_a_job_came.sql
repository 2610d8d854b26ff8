-- Where a job came from: the worker's log lines and spans lead back to the request that submitted it. The message that
-- wakes a worker cannot carry this, for it is worth a turn, and the turn may be another job's.
ALTER TABLE jobs
    ADD COLUMN request_id text CHECK (request_id ~ '^[A-Za-z0-9._-]{8,80}$'),
    ADD COLUMN traceparent text CHECK (traceparent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$');
COMMENT ON COLUMN jobs.request_id IS 'The X-Request-Id of the request that submitted it; NULL once its person is forgotten';
COMMENT ON COLUMN jobs.traceparent IS 'That request''s span, as in W3C Trace Context; NULL while traces are off';
