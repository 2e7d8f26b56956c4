export function LivePage() {
  return <p />;
}
