-- Idempotency-Key: the first answer to a request that costs or creates, written in the same database
-- transaction as what it made, so that either both are there or neither.
CREATE TABLE idempotency_keys (
    user_id      uuid NOT NULL REFERENCES users,
    key_hash     bytea NOT NULL CHECK (length(key_hash) = 32),
    request_hash bytea NOT NULL CHECK (length(request_hash) = 32),
    status       smallint NOT NULL,
    headers      jsonb NOT NULL,
    body         jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT house_now(),
    PRIMARY KEY (user_id, key_hash)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
COMMENT ON TABLE idempotency_keys IS 'First answers by Idempotency-Key, kept for a day';
COMMENT ON COLUMN idempotency_keys.key_hash IS 'SHA-256 of the key: clients put all sorts of things into keys';
COMMENT ON COLUMN idempotency_keys.request_hash IS 'SHA-256 of method, path and body: another request must not reuse the key';

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
REVOKE ALL ON idempotency_keys FROM PUBLIC;
CREATE POLICY own_rows ON idempotency_keys TO tovector_app
    USING (user_id = (SELECT acting_user_id())) WITH CHECK (user_id = (SELECT acting_user_id()));
CREATE POLICY every_row ON idempotency_keys TO tovector_maintenance USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON idempotency_keys TO tovector_app;
GRANT SELECT, DELETE ON idempotency_keys TO tovector_maintenance;
