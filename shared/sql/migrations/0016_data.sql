-- Daily sums up to the hour, and durations by month.

-- The dashboard reads what is not summed yet row by row: up to a day of it was most of its time.
ALTER TABLE rollups ALTER COLUMN through TYPE timestamptz USING through::timestamp AT TIME ZONE 'UTC';
COMMENT ON TABLE rollups IS 'How far the daily sums go: what happened before `through` is in them, the rest is read live';
COMMENT ON COLUMN rollups.through IS 'A full hour; the day (UTC) that it lies in is summed up to there';

CREATE TABLE monthly_durations (
    month  date NOT NULL CHECK (extract(day FROM month) = 1),
    kind   job_kind NOT NULL,
    bucket smallint NOT NULL,
    jobs   bigint NOT NULL CHECK (jobs > 0),
    PRIMARY KEY (month, kind, bucket)
);
COMMENT ON TABLE monthly_durations IS 'The sums of daily_durations by month (UTC), because a year of days is tens of thousands of rows';

DO $$
BEGIN
    ALTER TABLE monthly_durations ENABLE ROW LEVEL SECURITY;
    ALTER TABLE monthly_durations FORCE ROW LEVEL SECURITY;
    REVOKE ALL ON monthly_durations FROM PUBLIC;
    CREATE POLICY every_row ON monthly_durations TO tovector_maintenance USING (true) WITH CHECK (true);
    CREATE POLICY for_reports ON monthly_durations FOR SELECT TO tovector_reports USING (true);
    GRANT SELECT, INSERT, UPDATE, DELETE ON monthly_durations TO tovector_maintenance;
    GRANT SELECT ON monthly_durations TO tovector_reports;
END $$;

INSERT INTO monthly_durations (month, kind, bucket, jobs)
    SELECT date_trunc('month', day::timestamp)::date, kind, bucket, sum(jobs) FROM daily_durations GROUP BY 1, 2, 3;
