-- Policies spell out how the acting account is read. As calls of SQL functions the same expressions were parsed and
-- inlined anew whenever a statement was planned, which cost a read of one job half as much again as the read itself
-- (docs/benchmarks.md). The functions stay, for whoever looks around by hand.
DO $$
DECLARE
    policy record;
BEGIN
    FOR policy IN
        SELECT tablename, replace(replace(replace(qual,
            'acting_user_id()', 'nullif(current_setting(''app.user_id'', true), '''')::uuid'),
            'acting_clerk_id()', 'nullif(current_setting(''app.clerk_id'', true), '''')'),
            'acting_api_key_hash()', 'decode(nullif(current_setting(''app.api_key_hash'', true), ''''), ''hex'')')
            AS spelled_out
        FROM pg_policies WHERE schemaname = 'public' AND policyname = 'own_rows' ORDER BY tablename
    LOOP
        EXECUTE format(
            'ALTER POLICY own_rows ON %I USING (%s) WITH CHECK (%s)',
            policy.tablename, policy.spelled_out, policy.spelled_out
        );
    END LOOP;
END $$;
