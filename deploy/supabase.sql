-- Once, in the SQL editor of a new Supabase project, before the first `python -m shared.migrate`. Put real passwords in.
-- docs/production.md tells the way. Nothing here is needed again, and running it twice does no harm.

-- The groups that the migrations grant to; the first migration makes them too if they are missing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tovector_app') THEN
        CREATE ROLE tovector_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tovector_maintenance') THEN
        CREATE ROLE tovector_maintenance NOLOGIN;
    END IF;
    -- The two doors: each a login of its own, member of one group, bound by row-level security.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tovector_api') THEN
        CREATE ROLE tovector_api LOGIN PASSWORD 'change-me' IN ROLE tovector_app;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tovector_operator') THEN
        CREATE ROLE tovector_operator LOGIN PASSWORD 'change-me' IN ROLE tovector_maintenance;
    END IF;
END $$;

-- Supabase serves schema public over HTTP to two roles of its own and grants them every new table. Row-level security
-- shows them nothing, for no policy names them; this takes the grants away as well, for tables that are and that come.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM anon, authenticated;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON FUNCTIONS FROM anon, authenticated;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM anon, authenticated;
