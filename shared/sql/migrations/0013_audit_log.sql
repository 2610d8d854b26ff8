-- Who did what with an account: appended to, never changed, kept for as long as the settings say.

CREATE TYPE audit_actor AS ENUM ('customer', 'operator', 'house');
CREATE TYPE audit_action AS ENUM ('sign_in', 'key_use', 'key_made', 'key_ended', 'admin_read', 'export', 'purge');

CREATE TABLE audit_log (
    audit_id    uuid NOT NULL,
    user_id     uuid,
    actor       audit_actor NOT NULL,
    action      audit_action NOT NULL,
    details     jsonb NOT NULL DEFAULT '{}',
    happened_at timestamptz NOT NULL DEFAULT house_now(),
    PRIMARY KEY (audit_id, happened_at)
) PARTITION BY RANGE (happened_at);
CREATE INDEX audit_log_user_id ON audit_log (user_id, happened_at);
COMMENT ON TABLE audit_log IS 'Who did what with an account, without personal data; a partition per month, dropped after a year';
COMMENT ON COLUMN audit_log.user_id IS 'Whose account it is about; of an admin read the operator''s, where there is one';
COMMENT ON COLUMN audit_log.details IS 'Ids and hashes alone';

CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;

CREATE TRIGGER audit_log_is_never_changed
    BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_is_never_emptied
    BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_log_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log_default FORCE ROW LEVEL SECURITY;
REVOKE ALL ON audit_log, audit_log_default FROM PUBLIC;
CREATE POLICY own_rows ON audit_log TO tovector_app
    USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY every_row ON audit_log TO tovector_maintenance USING (true) WITH CHECK (true);
-- Nobody may change or remove an entry: what is too old goes with its month, by prune_log_tables.
GRANT SELECT, INSERT ON audit_log TO tovector_app, tovector_maintenance;

SELECT prepare_partitions(2);
