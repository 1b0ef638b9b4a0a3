# For tests only: like standin.Dockerfile, with the real Citus; the context is what real-citus.sh
# has made.
ARG DEBIAN
FROM ${DEBIAN}
RUN groupmod -g 999 postgres && usermod -u 999 -g 999 postgres
COPY . /
RUN ldconfig && ! ldd /usr/lib/postgresql/*/lib/citus.so | grep 'not found'
ENV PGDATA=/var/lib/postgresql/data
ENTRYPOINT ["/bin/false"]
CMD ["postgres"]
