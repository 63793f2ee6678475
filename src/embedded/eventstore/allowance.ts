/** A number of bytes shared by many who hold some for a while. */
export type Allowance = Readonly<{
  /** Counts the bytes; false, and they are not counted, when they are more than is left. */
  take: (bytes: number) => boolean;
  give: (bytes: number) => void;
}>;

export const allowanceOf = (bytes: number): Allowance => {
  let left = bytes;
  return {
    take: (wanted) => {
      if (wanted > left) return false;
      left -= wanted;
      return true;
    },
    give: (returned) => {
      left += returned;
    },
  };
};
