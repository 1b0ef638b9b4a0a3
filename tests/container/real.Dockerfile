# For tests only: like standin.Dockerfile, with a PostgreSQL and the real Citus of the machine that
# tests; images.sh puts them into the context.
ARG DEBIAN
FROM ${DEBIAN}
RUN groupmod -g 999 postgres && usermod -u 999 -g 999 postgres
COPY lib /usr/lib/postgresql
COPY share /usr/share/postgresql
ENV PGDATA=/var/lib/postgresql/data
ENTRYPOINT ["/bin/false"]
CMD ["postgres"]
